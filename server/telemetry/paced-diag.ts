import type { DiagLogger } from "@opentelemetry/api";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";

const EVERY_MS = 10_000;

/**
 * Where OpenTelemetry's own warnings go: a line each ten seconds at most, since it warns of full queues as
 * often as it empties them.
 */
export function createPacedDiag(logger: Logger, clock: Pick<Clock, "elapsed">): DiagLogger {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let untold = 0;

  function tell(message: string): void {
    const nowMs = clock.elapsed();
    if (nowMs - toldAtMs < EVERY_MS) {
      untold += 1;
      return;
    }
    logger.warn(untold > 0 ? { untold } : {}, `OpenTelemetry: ${message}`);
    toldAtMs = nowMs;
    untold = 0;
  }

  const quiet = () => undefined;
  return { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
}
