import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Caller } from "./issue.ts";
import { wasLogged } from "./stage.ts";

/** The least time between two log lines, in ms. */
const LOG_EVERY_MS = 1_000;

/**
 * Logs why claims failed where no other place has logged it, such as a full commit queue: their callers only
 * get UNCERTAIN. A failed batch is logged by its stage, once for all of its requests. This log writes at most
 * one line a second.
 */
export function createUncertainLog(
  logger: Logger,
  clock: Pick<Clock, "elapsed">,
): (campaignId: string, error: unknown, caller?: Caller) => void {
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  let requests = 0;
  return (campaignId, error, caller) => {
    if (wasLogged(error)) return;
    requests++;
    const nowMs = clock.elapsed();
    if (nowMs - loggedAtMs < LOG_EVERY_MS) return;
    const words = "a claim failed for a cause that no batch has logged; its caller is answered UNCERTAIN";
    logger.error({ campaign: campaignId, callId: caller?.callId, requests, err: error }, words);
    loggedAtMs = nowMs;
    requests = 0;
  };
}
