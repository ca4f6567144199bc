import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { RefusedCredentials } from "../../claims/refused-credentials.ts";
import { sourceGroupOf } from "../../runtime/source-group.ts";
import type { AwaitsConnections } from "./new-connections.ts";

export type RefusedSourcesOptions = {
  readonly addressOf: (request: IncomingMessage | Http2ServerRequest) => string;
  readonly refusedCredentials: Pick<RefusedCredentials, "isRefused" | "isEmpty">;
  /** How many requests of all these sources are begun in one turn of the event loop. */
  readonly perTurn: number;
  /** One more is refused. */
  readonly waitingMax: number;
  readonly refuse: (response: ServerResponse) => void;
  /** True: they wait for one more turn. */
  readonly awaits?: AwaitsConnections;
};

/**
 * Requests that one connection has sent together are begun together, up to so many: their answers are sent in
 * one piece then.
 */
const IN_A_ROW_MAX = 8;

/** The turns of requests whose source had a credential refused a moment ago. */
export type RefusedSources = {
  /** Runs a request at once, and one of these sources in its turn. */
  inTurn(waiting: Waiting, response: ServerResponse): void;
  /** Likewise by two listeners: those of these sources are served by `ofRefused`. */
  taking(listener: RequestListener, ofRefused: RequestListener): RequestListener;
  /** By two listeners over HTTP/2, of which `ofRefused` gives those of these sources turns of their own. */
  choosing(listener: Http2Listener, ofRefused: Http2Listener): Http2Listener;
};

type Http2Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** A request that is not begun yet. */
export type Waiting = { readonly request: IncomingMessage; run(isOfRefused: boolean): void };

/**
 * A crowd with bad credentials keeps as many requests ready as it has connections; served at once they would
 * make each turn of the event loop long, and Node accepts one connection in a turn: new callers would wait
 * for seconds. So its requests are begun a few in each turn, and of its sources one after the other: a user
 * who shares no address with the crowd does not meet it.
 */
export function createRefusedSources(options: RefusedSourcesOptions): RefusedSources {
  const { addressOf, refusedCredentials, perTurn, waitingMax, refuse, awaits = () => false } = options;
  /** By source; the first one is next. */
  const queues = new Map<string, Waiting[]>();
  let waiting = 0;

  /** The source whose turns a request has to wait for; empty: none. */
  function sourceToAwait(request: IncomingMessage): string {
    if (refusedCredentials.isEmpty) return "";
    const source = sourceGroupOf(addressOf(request));
    return source !== "" && (queues.has(source) || refusedCredentials.isRefused(source)) ? source : "";
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
      queues.delete(source);
      const { socket } = (queue[0] as Waiting).request;
      for (
        let ofOne = 0;
        ofOne < IN_A_ROW_MAX && begun < perTurn && queue[0]?.request.socket === socket;
        ofOne++
      ) {
        const next = queue.shift() as Waiting;
        waiting -= 1;
        if (next.request.destroyed) continue;
        begun += 1;
        next.run(true);
      }
      if (queue.length > 0) queues.set(source, queue);
    }
    if (waiting > 0) setImmediate(serve);
  }

  return {
    inTurn(one, response) {
      const source = sourceToAwait(one.request);
      if (source === "") one.run(false);
      else wait(source, one, response);
    },
    taking: (listener, ofRefused) => (request, response) => {
      const source = sourceToAwait(request);
      if (source === "") listener(request, response);
      else wait(source, { request, run: () => ofRefused(request, response) }, response);
    },
    choosing: (listener, ofRefused) => (request, response) => {
      const isRefused =
        !refusedCredentials.isEmpty && refusedCredentials.isRefused(sourceGroupOf(addressOf(request)));
      (isRefused ? ofRefused : listener)(request, response);
    },
  };
}
