import type { IncomingHttpHeaders } from "node:http";
import { MAX_TIMER_MS } from "../../runtime/clock.ts";

const CONNECT = /^\d{1,10}$/;
const GRPC = /^(\d{1,8})([HMS])$/;
/** Shorter units cannot say anything too long in eight digits. */
const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1_000 } as const;

/**
 * Shortens deadlines of more than 24.8 days to that. The framework keeps deadlines with setTimeout, for which
 * anything longer is over at once: the most patient callers would be told that their time is up.
 */
export function shortenDeadlines(headers: IncomingHttpHeaders): void {
  const connect = headers["connect-timeout-ms"];
  if (typeof connect === "string" && CONNECT.test(connect) && Number(connect) > MAX_TIMER_MS)
    headers["connect-timeout-ms"] = String(MAX_TIMER_MS);
  const grpc = headers["grpc-timeout"];
  const [, digits, unit] = (typeof grpc === "string" ? GRPC.exec(grpc) : null) ?? [];
  if (Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS] > MAX_TIMER_MS)
    headers["grpc-timeout"] = `${Math.floor(MAX_TIMER_MS / 1_000)}S`;
}
