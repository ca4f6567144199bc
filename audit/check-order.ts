import type { Facts } from "./facts.ts";
import { createFindings, redactKey, type Verdict } from "./verdict.ts";

type Claim = {
  readonly claimKey: string;
  readonly generation: number;
  readonly seq: number;
  /** The first ask that may have made the claim. */
  readonly askedOrder: number;
  /** The first answer that carried it. */
  readonly answeredOrder: number;
};

/**
 * U10: a coupon whose answer had arrived before another was first asked for has the earlier place: the lower seq of its generation,
 * or an older generation (a pool of an older one must not give codes once a newer one has). One sweep over the claims sorted by when they
 * were asked for, with the highest place answered so far: O(n log n).
 */
export function checkIssueOrder(facts: Facts): Verdict {
  const findings = createFindings("U10");
  const codeAt = new Map<string, string>();
  for (const { generation, seq, claimKey, code } of facts.snapshot.issuances) {
    const place = `${generation}-${seq}`;
    const other = codeAt.get(place);
    if (other !== undefined && other !== code)
      findings.violation(`${redactKey(claimKey)} shares place ${place} with another`);
    codeAt.set(place, code);
  }

  let ordered = 0;
  const claims = claimsOf(facts);
  const byAnswer = claims.toSorted((a, b) => a.answeredOrder - b.answeredOrder);
  let next = 0;
  let highest: Claim | undefined;
  for (const claim of claims.toSorted((a, b) => a.askedOrder - b.askedOrder)) {
    for (let done = byAnswer[next]; done !== undefined && done.answeredOrder < claim.askedOrder; ) {
      if (highest === undefined || isBefore(highest, done)) highest = done;
      next += 1;
      done = byAnswer[next];
    }
    if (highest === undefined) continue;
    ordered += 1;
    if (!isBefore(highest, claim))
      findings.violation(
        `${redactKey(highest.claimKey)} had place ${placeOf(highest)} before ${redactKey(claim.claimKey)} asked and got ${placeOf(claim)}`,
      );
  }
  return findings.verdict(ordered, `${ordered} claims asked for after another was answered`);
}

function isBefore(one: Claim, other: Claim): boolean {
  return one.generation < other.generation || (one.generation === other.generation && one.seq < other.seq);
}

function placeOf({ generation, seq }: Claim): string {
  return `${generation}-${seq}`;
}

function claimsOf({ history, firstAnswers, issuanceByCode }: Facts): readonly Claim[] {
  // An ask that was refused for certain made no claim; any other may have, also one whose answer was lost.
  const firstAsk = new Map<string, number>();
  for (const { claimKey, invokedOrder, outcome } of history) {
    if (outcome.kind === "refused" && outcome.reason !== "UNCERTAIN") continue;
    const earlier = firstAsk.get(claimKey);
    if (earlier === undefined || invokedOrder < earlier) firstAsk.set(claimKey, invokedOrder);
  }
  const claims: Claim[] = [];
  for (const [claimKey, { entry, coupon }] of firstAnswers) {
    const generation = issuanceByCode.get(coupon.code)?.generation ?? coupon.generation;
    if (generation === undefined) continue; // not on record: U2 says so
    if (generation === 0) continue; // from no pool: written by hand, so it has no place among the others
    claims.push({
      claimKey,
      generation,
      seq: coupon.seq,
      askedOrder: firstAsk.get(claimKey) ?? entry.invokedOrder,
      answeredOrder: entry.answeredOrder,
    });
  }
  return claims;
}
