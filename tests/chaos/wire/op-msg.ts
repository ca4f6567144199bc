import type { Protocol } from "./frames.ts";

const HEADER_BYTES = 16;
const OP_MSG = 2013;
const MORE_TO_COME = 2;
const STRING = 2;
/** After the header: flags (4), section kind (1), document length (4). */
const FIRST_ELEMENT = HEADER_BYTES + 9;

export function messageEnd(bytes: Buffer, at: number): number {
  if (bytes.length < at + 4) return -1;
  const end = at + bytes.readInt32LE(at);
  return end <= bytes.length ? end : -1;
}

/** `insert issuances`: the command and, where its value is one, the collection. Anything but OP_MSG: its opcode. */
export function commandOf(message: Buffer): string {
  if (message.length < FIRST_ELEMENT + 2 || message.readInt32LE(12) !== OP_MSG) return "other";
  const nameEnd = message.indexOf(0, FIRST_ELEMENT + 1);
  if (nameEnd < 0) return "other";
  const name = message.toString("utf8", FIRST_ELEMENT + 1, nameEnd);
  if (message[FIRST_ELEMENT] !== STRING) return name;
  const valueBytes = message.readInt32LE(nameEnd + 1);
  return `${name} ${message.toString("utf8", nameEnd + 5, nameEnd + 5 + valueBytes - 1)}`;
}

export const mongodbProtocol: Protocol = {
  pairing: "id",
  requests: {
    frameEnd: messageEnd,
    read: (frame) => ({
      kind: commandOf(frame),
      id: frame.readInt32LE(4),
      unasked: frame.length > 20 && (frame.readInt32LE(16) & MORE_TO_COME) !== 0,
    }),
  },
  replies: {
    frameEnd: messageEnd,
    read: (frame) => ({ kind: "", id: frame.readInt32LE(8), unasked: false }),
  },
};
