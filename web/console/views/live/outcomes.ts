import { RefusalReason } from "../../../../proto/gen/coupon/v1/refusal_pb.ts";
import type { PlainKey } from "../../i18n/words.ts";

/** How each refusal is named among the answers; the service sends its reason in small letters. */
const REASONS = {
  [RefusalReason.UNSPECIFIED]: undefined,
  [RefusalReason.NOT_STARTED]: "outcome.not_started",
  [RefusalReason.ENDED]: "outcome.ended",
  [RefusalReason.CANCELLED]: "outcome.cancelled",
  [RefusalReason.PAUSED]: "outcome.paused",
  [RefusalReason.NOT_READY]: "outcome.not_ready",
  [RefusalReason.SOLD_OUT]: "outcome.sold_out",
  [RefusalReason.UNKNOWN_CAMPAIGN]: "outcome.unknown_campaign",
  [RefusalReason.NO_COUPON]: "outcome.no_coupon",
  [RefusalReason.INVALID]: "outcome.invalid",
  [RefusalReason.OVERLOADED]: "outcome.overloaded",
  [RefusalReason.UNCERTAIN]: "outcome.uncertain",
  [RefusalReason.CONFLICT]: "outcome.conflict",
  [RefusalReason.NOT_ALLOWED]: "outcome.not_allowed",
  [RefusalReason.UNAUTHENTICATED]: "outcome.unauthenticated",
  [RefusalReason.PERMISSION_DENIED]: "outcome.permission_denied",
  [RefusalReason.RATE_LIMITED]: "outcome.rate_limited",
  [RefusalReason.DEADLINE_EXCEEDED]: "outcome.deadline_exceeded",
  [RefusalReason.MAX_PER_USER]: "outcome.max_per_user",
  // No claim is answered with these.
  [RefusalReason.UNKNOWN_SINK]: undefined,
  [RefusalReason.SINK_EXISTS]: undefined,
  [RefusalReason.TOO_MANY_SINKS]: undefined,
  [RefusalReason.NOT_VALID_YET]: undefined,
  [RefusalReason.VALIDITY_OVER]: undefined,
  [RefusalReason.VOIDED]: undefined,
  [RefusalReason.RESERVED]: undefined,
  [RefusalReason.REDEEMED]: undefined,
  [RefusalReason.NO_RESERVATION]: undefined,
  [RefusalReason.RESERVATION_OVER]: undefined,
} as const satisfies Readonly<Record<RefusalReason, PlainKey | undefined>>;

const KNOWN = new Map<string, PlainKey>([
  ["issued", "outcome.issued"],
  ["replayed", "outcome.replayed"],
  ...Object.values(REASONS).flatMap((key): [string, PlainKey][] =>
    key === undefined ? [] : [[key.slice("outcome.".length), key]],
  ),
]);

/** The key of an outcome's text; undefined: a newer service has it, and this page shows its name. */
export function outcomeKey(outcome: string): PlainKey | undefined {
  return KNOWN.get(outcome);
}

/** Whether callers with this outcome hold a coupon, were refused for good, or met trouble. */
export function outcomeKind(outcome: string): "good" | "refused" | "trouble" {
  if (outcome === "issued" || outcome === "replayed") return "good";
  return outcome === "overloaded" || outcome === "uncertain" ? "trouble" : "refused";
}
