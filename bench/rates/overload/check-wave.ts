import type { Seen } from "../../load/caller-jobs.ts";
import { Trouble } from "../../trouble.ts";

export type OnRecord = {
  /** The codes of all issuances. */
  readonly codes: ReadonlySet<string>;
  readonly startsAtMs: number;
  /** Callers who asked and have no answer: each may have an issuance. */
  readonly unanswered: number;
};

/**
 * Returns how many coupons were answered.
 * @throws Trouble where a coupon was answered twice, too early or without an issuance, or where there are
 * more issuances than callers who may have them
 */
export function checkWave(seen: readonly Seen[], { codes, startsAtMs, unanswered }: OnRecord): number {
  const answered = new Set<string>();
  let uncertain = unanswered;
  for (const { outcome } of seen) {
    if (outcome.kind === "unknown") uncertain += 1;
    else if (outcome.kind === "refused") uncertain += outcome.reason === "UNCERTAIN" ? 1 : 0;
    else {
      if (answered.has(outcome.code)) throw new Trouble("a coupon was answered to two callers");
      if (!codes.has(outcome.code)) throw new Trouble("a coupon was answered that is not on record");
      if (outcome.issuedAtMs < startsAtMs) throw new Trouble("a coupon was early");
      answered.add(outcome.code);
    }
  }
  if (codes.size > answered.size + uncertain)
    throw new Trouble(
      `${codes.size} coupons on record, but only ${answered.size} answered and ${uncertain} uncertain`,
    );
  return answered.size;
}
