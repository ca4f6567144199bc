import { connect, type Socket } from "node:net";
import { createAnswerReader } from "./answers.ts";
import type { KindCounts } from "./crowd-plan.ts";
import type { Prepared } from "./hostile-requests.ts";

export type FloodTarget = { readonly host: string; readonly port: number; readonly localAddress: string };

/** Requests that are sent in one piece: the crowd must not need a processor of its own. */
export type Volley = { readonly bytes: Buffer; readonly requests: readonly Prepared[] };

const VOLLEY = 8;
/** As many as the service answers at once on a connection; more would only wait. */
const UNANSWERED_MAX = 2 * VOLLEY;
const UNSENT_BYTES_MAX = 64 * 1024;
const REOPEN_MS = 100;
const CODE = /"code":"([^"]+)"/;

/** A connection that sends requests of one kind, several before their answers come, and reads the answers. */
export type FloodConnection = {
  /** How many requests it sent; 0: it takes no more now. */
  send(): number;
  close(): void;
};

export function volleysOf(requests: readonly Prepared[]): readonly Volley[] {
  return Array.from({ length: Math.ceil(requests.length / VOLLEY) }, (_, i) => {
    const some = requests.slice(i * VOLLEY, (i + 1) * VOLLEY);
    return { bytes: Buffer.concat(some.map(({ bytes }) => bytes)), requests: some };
  });
}

export function createFloodConnection(
  target: FloodTarget,
  volleys: readonly Volley[],
  counts: KindCounts,
  onCoupon: (owner: string, code: string) => void,
): FloodConnection {
  let next = Math.floor(Math.random() * volleys.length);
  let unanswered: Prepared[] = [];
  let isReady = false;
  let isOver = false;
  let reopening: NodeJS.Timeout | undefined;
  const reader = createAnswerReader(({ status, given }) => {
    const request = unanswered.shift();
    counts.answered += 1;
    counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    if (given === "") return;
    const code = CODE.exec(given)?.[1];
    if (status === "200" && request?.owner !== undefined && code !== undefined) onCoupon(request.owner, code);
    else counts.granted += 1;
  });
  let socket = open();

  function open(): Socket {
    const opened = connect({ ...target, noDelay: true });
    opened.on("connect", () => {
      isReady = true;
    });
    opened.on("data", (part) => {
      if (reader.read(part)) opened.destroy();
    });
    opened.on("error", () => undefined);
    opened.on("close", () => {
      if (unanswered.length > 0 && !isOver) counts.cut += 1;
      isReady = false;
      unanswered = [];
      reader.forget();
      if (!isOver)
        reopening = setTimeout(() => {
          socket = open();
        }, REOPEN_MS);
    });
    return opened;
  }

  return {
    send() {
      const volley = volleys[next % volleys.length];
      if (!isReady || volley === undefined || socket.writableLength > UNSENT_BYTES_MAX) return 0;
      const { bytes, requests } = volley;
      if (unanswered.length + requests.length > UNANSWERED_MAX) return 0;
      next += 1;
      unanswered.push(...requests);
      counts.sent += requests.length;
      socket.write(bytes);
      return requests.length;
    },
    close() {
      isOver = true;
      clearTimeout(reopening);
      socket.destroy();
    },
  };
}
