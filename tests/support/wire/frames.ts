/** One whole request or reply of a store's protocol, as it crossed the wire. */
export type Frame = {
  /** For a request: the script or command, and for MongoDB its collection (`claim`, `insert issuances`). */
  readonly kind: string;
  readonly bytes: Buffer;
  /** Connects a reply with its request, if the protocol numbers them. */
  readonly id: number;
  /** Whether the server sent it without a request (a Redis push). */
  readonly unasked: boolean;
  /** The code of a reply that is an error (`MOVED`), if the protocol has codes. */
  readonly error?: string;
};

/** The end (exclusive) of the frame that begins at `at`, or -1 while it is incomplete. */
export type FrameEnd = (bytes: Buffer, at: number) => number;

/** How to cut one direction of a connection into frames. */
export type Reading = {
  readonly frameEnd: FrameEnd;
  readonly read: (frame: Buffer) => Omit<Frame, "bytes">;
};

/** The description of a protocol for the proxy. */
export type Protocol = {
  readonly requests: Reading;
  readonly replies: Reading;
  /** `fifo`: replies come in the order of the requests; `id`: each reply has the id of its request. */
  readonly pairing: "fifo" | "id";
  /**
   * The bytes of a reply with the ports of nodes replaced by those of their doors; undefined: it names no
   * node.
   */
  readonly renamed?: (reply: Frame, doorOf: (port: number) => number | undefined) => Buffer | undefined;
};

/** Cuts a stream of chunks, of any size, into frames. */
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

/** Passes bytes on unchanged: for connections whose frames do not matter. */
export const rawProtocol: Protocol = {
  requests: { frameEnd: (bytes) => bytes.length, read: () => ({ kind: "raw", id: 0, unasked: true }) },
  replies: { frameEnd: (bytes) => bytes.length, read: () => ({ kind: "raw", id: 0, unasked: true }) },
  pairing: "fifo",
};
