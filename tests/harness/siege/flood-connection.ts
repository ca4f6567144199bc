import { connect, type Socket } from "node:net";
import type { KindCounts } from "./crowd-plan.ts";
import type { Prepared } from "./hostile-requests.ts";

export type FloodTarget = { readonly host: string; readonly port: number; readonly localAddress: string };

const HEAD_END = "\r\n\r\n";
const STATUS_AT = "HTTP/1.1 ".length;
/** As many as the service answers at once on a connection; more would only wait. */
const UNANSWERED_MAX = 8;
const UNSENT_BYTES_MAX = 64 * 1024;
const REOPEN_MS = 100;

/** A connection that sends requests of one kind, several before their answers come, and reads the answers. */
export type FloodConnection = {
  /** False: the connection takes no more now. */
  send(): boolean;
  close(): void;
};

export function createFloodConnection(
  target: FloodTarget,
  requests: readonly Prepared[],
  counts: KindCounts,
  onCoupon: (owner: string, code: string) => void,
): FloodConnection {
  let next = Math.floor(Math.random() * requests.length);
  let unanswered: Prepared[] = [];
  let read: Buffer = Buffer.alloc(0);
  let isReady = false;
  let isOver = false;
  let reopening: NodeJS.Timeout | undefined;
  let socket = open();

  function open(): Socket {
    const opened = connect({ ...target, noDelay: true });
    opened.on("connect", () => {
      isReady = true;
    });
    opened.on("data", (part) => {
      read = read.length === 0 ? part : Buffer.concat([read, part]);
      while (takeAnswer()) {
        // The next one.
      }
    });
    opened.on("error", () => undefined);
    opened.on("close", () => {
      if (unanswered.length > 0 && !isOver) counts.cut += 1;
      isReady = false;
      unanswered = [];
      read = Buffer.alloc(0);
      if (!isOver)
        reopening = setTimeout(() => {
          socket = open();
        }, REOPEN_MS);
    });
    return opened;
  }

  /** False: no whole answer has come. */
  function takeAnswer(): boolean {
    const headEnd = read.indexOf(HEAD_END);
    if (headEnd < 0) return false;
    const head = read.toString("latin1", 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const bodyAt = headEnd + HEAD_END.length;
    if (length !== undefined && read.length < bodyAt + Number(length)) return false;
    const bodyEnd = bodyAt + Number(length ?? 0);
    const status = head.slice(STATUS_AT, STATUS_AT + 3);
    judge(status, status === "200" ? read.toString("utf8", bodyAt, bodyEnd) : "");
    // An answer without a length ends with its connection.
    if (length === undefined) socket.destroy();
    read = length === undefined ? Buffer.alloc(0) : read.subarray(bodyEnd);
    return true;
  }

  function judge(status: string, body: string): void {
    const request = unanswered.shift();
    counts.answered += 1;
    counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    if (status !== "200") return;
    const code = /"code":"([^"]+)"/.exec(body)?.[1];
    if (request?.owner !== undefined && code !== undefined) onCoupon(request.owner, code);
    else counts.granted += 1;
  }

  return {
    send() {
      if (!isReady || unanswered.length >= UNANSWERED_MAX || socket.writableLength > UNSENT_BYTES_MAX)
        return false;
      const request = requests[next++ % requests.length];
      if (request === undefined) return false;
      unanswered.push(request);
      counts.sent += 1;
      socket.write(request.bytes);
      return true;
    },
    close() {
      isOver = true;
      clearTimeout(reopening);
      socket.destroy();
    },
  };
}
