/** HTTP/2 in bytes, for what a client library would not send. Source: RFC 9113, section 6, and RFC 7541. */

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8 } as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(FRAME.settings, 0, 0),
]);

/** A header block; `indexed` fields enter the dynamic table, the first of them becomes entry 62. */
export function headerBlock(fields: readonly (readonly [string, string])[], indexed = false): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.of(indexed ? 0x40 : 0x00), text(name), text(value)]),
  );
}

/** Refers once to an entry of the dynamic table, whose newest is 62. */
export const reference = (index: number): Buffer => Buffer.of(0x80 | index);

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

export const GRPC_CALL: readonly (readonly [string, string])[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "a"],
  [":path", "/coupon.v1.CouponService/IssueCoupon"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
];

export type Frame = { readonly type: number; readonly flags: number; readonly stream: number };

/** The whole frames in what a server has sent. */
export function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
    });
  return frames;
}
