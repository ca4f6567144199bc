import type { RefusedCredentials } from "../../claims/refused-credentials.ts";
import type { NewConnections } from "./new-connections.ts";
import { createRefusedSources, type RefusedSources, type RefusedSourcesOptions } from "./refused-sources.ts";
import { createTurns, everyTurns, type Turns, type TurnsOptions } from "./turns.ts";

/** How many requests of each kind are begun in one turn of the event loop. */
export type RequestTurns = {
  /** Claims off the fast path. */
  readonly claims: Turns;
  /** Those over gRPC of sources whose credentials are being refused. */
  readonly claimsOfRefused: Turns;
  /** All other requests off the fast path, and look-ups. */
  readonly unusual: Turns;
  readonly unusualOfRefused: Turns;
  /** Requests on the fast path of sources whose credentials are being refused. */
  readonly refusedSources: RefusedSources;
};

export type RequestTurnsDeps = {
  /** Whether a claim waits for a store. */
  readonly claimsUnderWay: () => boolean;
  readonly connecting: NewConnections;
  readonly refusedCredentials: RefusedCredentials;
  readonly addressOf: RefusedSourcesOptions["addressOf"];
  /** Refuses a request where too many wait. */
  readonly refuse: TurnsOptions["refuse"];
};

/**
 * Requests off the fast path that are begun in one turn of the event loop; one, while a claim waits for a
 * store.
 */
const UNUSUAL_PER_TURN = 4;
const CLAIMS_PER_TURN = 32;
/**
 * Requests of sources whose credentials are being refused, likewise. A refusal costs tens of microseconds: of
 * so many a turn takes about one millisecond, and no more turns than needed are spent on a crowd.
 */
const REFUSED_PER_TURN = 32;
/** So many short turns with a new connection, or one with refusals, take about ten milliseconds. */
const REFUSED_AWAIT_TURNS = 160;
/**
 * Of their claims over gRPC, which cost several times as much. A gateway that passes one on must not be held
 * up.
 */
const REFUSED_CALLS_PER_TURN = 4;
/** Of their other requests off the fast path one is begun in so many turns. */
const REFUSED_UNUSUAL_TURNS = 4;
const UNUSUAL_WAITING_MAX = 1_000;
const CLAIMS_WAITING_MAX = 10_000;

export function createRequestTurns(deps: RequestTurnsDeps): RequestTurns {
  const { claimsUnderWay, connecting, refusedCredentials, addressOf, refuse } = deps;
  const claimTurns = (perTurn: number) => createTurns({ perTurn, waitingMax: CLAIMS_WAITING_MAX, refuse });
  const unusualTurns = (perTurn: TurnsOptions["perTurn"]) =>
    createTurns({ perTurn, waitingMax: UNUSUAL_WAITING_MAX, refuse, awaits: connecting.awaiting() });
  return {
    claims: claimTurns(CLAIMS_PER_TURN),
    claimsOfRefused: claimTurns(REFUSED_CALLS_PER_TURN),
    unusual: unusualTurns(() => (claimsUnderWay() ? 1 : UNUSUAL_PER_TURN)),
    unusualOfRefused: unusualTurns(everyTurns(REFUSED_UNUSUAL_TURNS)),
    refusedSources: createRefusedSources({
      ...{ addressOf, refusedCredentials, refuse },
      ...{ perTurn: REFUSED_PER_TURN, waitingMax: CLAIMS_WAITING_MAX },
      awaits: connecting.awaiting(REFUSED_AWAIT_TURNS),
    }),
  };
}
