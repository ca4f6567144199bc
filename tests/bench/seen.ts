import type { Seen } from "../../bench/load/caller-jobs.ts";

/** What a caller with a coupon saw. */
export function got(code: string, issuedAtMs = 1_000, answeredAtMs = issuedAtMs + 5): Seen {
  const outcome = { kind: "issued" as const, code, seq: 1, issuedAtMs, replayed: false };
  return { stream: 0, latencyMs: 5, answeredAtMs, outcome };
}

export function refused(reason: string, answeredAtMs = 990): Seen {
  return { stream: 0, latencyMs: 1, answeredAtMs, outcome: { kind: "refused", reason } };
}

export function unanswered(message: string): Seen {
  return { stream: 0, latencyMs: 1, answeredAtMs: 990, outcome: { kind: "unknown", message } };
}
