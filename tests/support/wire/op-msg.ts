import { commandOf, isOpMsg, requestIdOf, wantsNoReply } from "../../../local/wire-message.mjs";
import type { Protocol } from "./frames.ts";

export function messageEnd(bytes: Buffer, at: number): number {
  if (bytes.length < at + 4) return -1;
  const end = at + bytes.readInt32LE(at);
  return end <= bytes.length ? end : -1;
}

/**
 * `insert issuances`: the command and, if its value is a collection, that collection. For any other message
 * than OP_MSG: `other`.
 */
export function kindOf(message: Buffer): string {
  const command = commandOf(message);
  if (command === undefined) return "other";
  return command.collection === undefined ? command.name : `${command.name} ${command.collection}`;
}

export const mongodbProtocol: Protocol = {
  pairing: "id",
  requests: {
    frameEnd: messageEnd,
    read: (frame) => ({
      kind: kindOf(frame),
      id: requestIdOf(frame),
      unasked: isOpMsg(frame) && wantsNoReply(frame),
    }),
  },
  replies: {
    frameEnd: messageEnd,
    read: (frame) => ({ kind: "", id: frame.readInt32LE(8), unasked: false }),
  },
};
