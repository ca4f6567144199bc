import type { IncomingHttpHeaders } from "node:http";
import { MAX_TIMER_MS } from "../../runtime/clock.ts";

const CONNECT = /^\d{1,10}$/;
const GRPC = /^(\d{1,8})([HMS])$/;
/** In shorter units, eight digits cannot exceed the limit. */
const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1_000 } as const;

/**
 * Shortens deadlines of more than 24.8 days to that. The framework passes deadlines to setTimeout, which
 * fires at once for longer ones: those calls would end at once with `deadline_exceeded`.
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
