import type { Logger } from "../runtime/logger.ts";

const REMIND_EVERY_MS = 10_000;

/** Logs why Redis does not serve: at first, when the cause changes, and every ten seconds. */
export function createReminder(
  logger: Logger,
): (cause: string, where: Record<string, string>, attempts: number) => void {
  const sinceMs = performance.now();
  let said = "";
  let saidAtMs = 0;
  return (cause, where, attempts) => {
    const now = performance.now();
    if (cause === said && now - saidAtMs < REMIND_EVERY_MS) return;
    const details = { component: "pool", ...where, cause, attempts, forMs: Math.round(now - sinceMs) };
    logger.warn(details, "Redis does not serve; connecting anew until it does");
    said = cause;
    saidAtMs = now;
  };
}
