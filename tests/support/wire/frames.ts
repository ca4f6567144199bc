/** One whole request or reply of a store's protocol, as it crossed the wire. */
export type Frame = {
  /** For a request: the script or command, and for MongoDB its collection (`claim`, `insert issuances`). */
  readonly kind: string;
  readonly bytes: Buffer;
  /** Ties a reply to its request where the protocol numbers them. */
  readonly id: number;
  /** Came unasked (a Redis push): belongs to no request. */
  readonly unasked: boolean;
};

/** Where the frame that begins at `at` ends (exclusive), or -1 while it is not whole. */
export type FrameEnd = (bytes: Buffer, at: number) => number;

/** How to cut one direction of a connection into frames. */
export type Reading = {
  readonly frameEnd: FrameEnd;
  readonly read: (frame: Buffer) => { kind: string; id: number; unasked: boolean };
};

/** What the proxy must know of a protocol. */
export type Protocol = {
  readonly requests: Reading;
  readonly replies: Reading;
  /** `fifo`: replies come in the order of the requests; `id`: each names its request. */
  readonly pairing: "fifo" | "id";
};

/** Cuts a stream of chunks into frames, whatever the chunks are. */
export function createSplitter(reading: Reading): (chunk: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (at < bytes.length) {
      const end = reading.frameEnd(bytes, at);
      if (end < 0) break;
      const frame = bytes.subarray(at, end);
      frames.push({ bytes: frame, ...reading.read(frame) });
      at = end;
    }
    rest = bytes.subarray(at);
    return frames;
  };
}

/** Bytes passed on as they come: for connections nobody needs to understand. */
export const rawProtocol: Protocol = {
  requests: { frameEnd: (bytes) => bytes.length, read: () => ({ kind: "raw", id: 0, unasked: true }) },
  replies: { frameEnd: (bytes) => bytes.length, read: () => ({ kind: "raw", id: 0, unasked: true }) },
  pairing: "fifo",
};
