import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { sourceGroupOf } from "../../runtime/source-group.ts";
import type { AwaitsConnections } from "./new-connections.ts";

export type RefusedSourcesOptions = {
  readonly addressOf: (request: IncomingMessage) => string;
  /** Monotonic, in ms. */
  readonly elapsed: () => number;
  /** How many requests of all these sources are begun in one turn of the event loop. */
  readonly perTurn: number;
  /** One more is refused. */
  readonly waitingMax: number;
  readonly refuse: (response: ServerResponse) => void;
  /** True: they wait for one more turn. */
  readonly awaits?: AwaitsConnections;
};

/** Sources of which a request was refused for its credential a moment ago. */
export type RefusedSources = {
  /** Notes the status of an answer. `address` is empty once the connection has closed. */
  note(caller: { readonly address: string }, status: number): void;
  /** Runs a request at once, and one of these sources in its turn. */
  inTurn(waiting: Waiting, response: ServerResponse): void;
  /** Likewise by two listeners: those of these sources are served by `ofRefused`. */
  taking(listener: RequestListener, ofRefused: RequestListener): RequestListener;
};

const REFUSED_MS = 1_000;
/** The sources that are remembered; of more, those that were refused first are forgotten. */
const SOURCES_MAX = 10_000;
/** Not 429: a backend with a key claims for many users, of whom one may be over its limit. */
const STATUSES: ReadonlySet<number> = new Set([401, 403]);

/** A request that is not begun yet. */
export type Waiting = { readonly request: IncomingMessage; run(): void };

/**
 * A crowd with bad credentials keeps as many requests ready as it has connections; served at once they would
 * make each turn of the event loop long, and Node accepts one connection in a turn: new callers would wait
 * for seconds. So its requests are begun a few in each turn, and of its sources one after the other: a user
 * who shares no address with the crowd does not meet it.
 */
export function createRefusedSources(options: RefusedSourcesOptions): RefusedSources {
  const { addressOf, elapsed, perTurn, waitingMax, refuse, awaits = () => false } = options;
  const refusedUntilMs = new Map<string, number>();
  /** By source; the first one is next. */
  const queues = new Map<string, Waiting[]>();
  let waiting = 0;

  function isRefused(source: string): boolean {
    const untilMs = refusedUntilMs.get(source);
    if (untilMs === undefined) return false;
    if (elapsed() < untilMs) return true;
    refusedUntilMs.delete(source);
    return false;
  }

  /** The source whose turns a request has to wait for; empty: none. */
  function sourceToAwait(request: IncomingMessage): string {
    const source = refusedUntilMs.size === 0 ? "" : sourceGroupOf(addressOf(request));
    return source !== "" && (queues.has(source) || isRefused(source)) ? source : "";
  }

  function wait(source: string, one: Waiting, response: ServerResponse): void {
    if (waiting >= waitingMax) {
      refuse(response);
      return;
    }
    if (waiting === 0) setImmediate(serve);
    waiting += 1;
    const queue = queues.get(source);
    if (queue === undefined) queues.set(source, [one]);
    else queue.push(one);
  }

  function serve(): void {
    if (awaits()) {
      setImmediate(serve);
      return;
    }
    for (let begun = 0; begun < perTurn && waiting > 0; ) {
      const [source, queue] = queues.entries().next().value as [string, Waiting[]];
      const next = queue.shift();
      queues.delete(source);
      if (queue.length > 0) queues.set(source, queue);
      waiting -= 1;
      if (next === undefined || next.request.destroyed) continue;
      begun += 1;
      next.run();
    }
    if (waiting > 0) setImmediate(serve);
  }

  return {
    note(caller, status) {
      if (!STATUSES.has(status)) return;
      const source = sourceGroupOf(caller.address);
      if (source === "") return;
      // Set anew, it is the last again.
      refusedUntilMs.delete(source);
      refusedUntilMs.set(source, elapsed() + REFUSED_MS);
      if (refusedUntilMs.size <= SOURCES_MAX) return;
      const [oldest] = refusedUntilMs.keys();
      if (oldest !== undefined) refusedUntilMs.delete(oldest);
    },
    inTurn(one, response) {
      const source = sourceToAwait(one.request);
      if (source === "") one.run();
      else wait(source, one, response);
    },
    taking: (listener, ofRefused) => (request, response) => {
      const source = sourceToAwait(request);
      if (source === "") listener(request, response);
      else wait(source, { request, run: () => ofRefused(request, response) }, response);
    },
  };
}
