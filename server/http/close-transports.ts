import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Ending } from "../../runtime/lifecycle.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Drain } from "./drain.ts";

/** How long an idle connection is kept once the server drains, because a proxy may be about to use it. */
export const IDLE_CHANCE_MS = 2_000;

export type CloseTransportsDeps = {
  /** Aborted at once: the server is not ready any more. */
  readonly stopping: AbortController;
  /** Aborted when the delay is over: each answer is the last on its connection. */
  readonly draining: AbortController;
  readonly drains: readonly Drain[];
  /** False: not all ports are listened on yet, so no caller is served and no drain is logged. */
  readonly isServing: () => boolean;
  /** How long the server goes on serving, so that load balancers notice. */
  readonly delayMs: number;
  /** Requests that are not answered within so long after that are cut. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
};

/**
 * Closes the transports of a server without failing a request. Resolves when all connections have closed.
 */
export function createCloseTransports(deps: CloseTransportsDeps): (ending: Ending) => Promise<void> {
  const { stopping, draining, drains, isServing, delayMs, patienceMs, clock, logger } = deps;
  return async ({ hurried }) => {
    stopping.abort();
    const isHurried = hurried || !isServing();
    if (delayMs > 0 && !isHurried) {
      logger.info(
        { delayMs },
        "not ready any more; serving on, so that load balancers notice before the drain",
      );
      await sleep(clock, delayMs);
    }
    draining.abort();
    if (isServing()) logger.info("draining: requests in flight are finished, new connections refused");
    const limits = { patienceMs, idleMs: isHurried ? 0 : Math.min(IDLE_CHANCE_MS, patienceMs / 2) };
    await Promise.all(drains.map((drain) => drain(limits)));
  };
}
