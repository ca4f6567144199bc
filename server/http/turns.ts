import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { createFifo } from "../../runtime/fifo.ts";
import type { AwaitsConnections } from "./new-connections.ts";

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;
type Listener<Q, S> = (request: Q, response: S) => void;

export type TurnsOptions = {
  /** How many are begun in one turn of the event loop; asked again before each. */
  readonly perTurn: number | (() => number);
  /** One more is refused. */
  readonly waitingMax: number;
  readonly refuse: (response: Response) => void;
  /** True: they wait for one more turn. */
  readonly awaits?: AwaitsConnections;
};

/**
 * Requests that cost several times a claim are begun a few in each turn of the event loop: between two turns,
 * all claims that have arrived are served, so that a crowd of other requests waits for claims and not the
 * other way round. A caller that has left before its turn costs nothing more, whatever it sent.
 */
export type Turns = {
  taking<Q extends Request, S extends Response>(listener: Listener<Q, S>): Listener<Q, S>;
  /** Resolves in the turn of a call, never where its caller has left by then. undefined: too many wait. */
  turn(hasLeft: () => boolean): Promise<void> | undefined;
};

type Waiting = { readonly hasLeft: () => boolean; readonly run: () => void };

export function createTurns({ perTurn, waitingMax, refuse, awaits = () => false }: TurnsOptions): Turns {
  const waiting = createFifo<Waiting>();

  function serve(): void {
    if (awaits()) {
      setImmediate(serve);
      return;
    }
    const most = typeof perTurn === "number" ? perTurn : perTurn();
    for (let begun = 0; begun < most; ) {
      const first = waiting.shift();
      if (first === undefined) return;
      if (first.hasLeft()) continue;
      begun += 1;
      first.run();
    }
    if (waiting.size() > 0) setImmediate(serve);
  }

  function wait(one: Waiting): void {
    if (waiting.size() === 0) setImmediate(serve);
    waiting.push(one);
  }

  return {
    taking: (listener) => (request, response) => {
      if (waiting.size() >= waitingMax) refuse(response);
      else wait({ hasLeft: () => hasLeft(request), run: () => listener(request, response) });
    },
    turn: (left) =>
      waiting.size() >= waitingMax ? undefined : new Promise((run) => wait({ hasLeft: left, run })),
  };
}

/** For `perTurn`: one in so many turns. Turns are short where nothing else is to do. */
export function everyTurns(count: number): () => number {
  let turn = 0;
  return () => {
    turn = (turn + 1) % count;
    return turn === 0 ? 1 : 0;
  };
}

/** Whether the caller of a request takes no answer any more. */
export function hasLeft(request: Request): boolean {
  return "stream" in request ? request.stream.destroyed || request.stream.closed : request.destroyed;
}

/** Passes each request to the listener of its path. */
export function byPath<Q extends Request, S extends Response>(
  paths: ReadonlyMap<string | undefined, Listener<Q, S>>,
  otherwise: Listener<Q, S>,
): Listener<Q, S> {
  return (request, response) => (paths.get(request.url) ?? otherwise)(request, response);
}
