import type { Facts } from "./facts.ts";
import { createFindings, redactKey, type Verdict } from "./verdict.ts";

type Claim = {
  readonly claimKey: string;
  readonly seq: number;
  /** The first ask that may have made the claim. */
  readonly askedOrder: number;
  /** The first answer that carried it. */
  readonly answeredOrder: number;
};

/**
 * U10: a coupon whose answer had arrived before another was first asked for has the lower seq of its generation. One sweep
 * over the claims sorted by when they were asked for, with the highest seq answered so far: O(n log n).
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
  for (const claims of claimsByGeneration(facts).values()) {
    const byAnswer = claims.toSorted((a, b) => a.answeredOrder - b.answeredOrder);
    let next = 0;
    let highest: Claim | undefined;
    for (const claim of claims.toSorted((a, b) => a.askedOrder - b.askedOrder)) {
      for (let done = byAnswer[next]; done !== undefined && done.answeredOrder < claim.askedOrder; ) {
        if (highest === undefined || done.seq > highest.seq) highest = done;
        next += 1;
        done = byAnswer[next];
      }
      if (highest === undefined) continue;
      ordered += 1;
      if (highest.seq >= claim.seq)
        findings.violation(
          `${redactKey(highest.claimKey)} had seq ${highest.seq} before ${redactKey(claim.claimKey)} asked and got ${claim.seq}`,
        );
    }
  }
  return findings.verdict(ordered, `${ordered} claims asked for after another was answered`);
}

function claimsByGeneration({
  history,
  firstAnswers,
  issuanceByCode,
}: Facts): ReadonlyMap<number, readonly Claim[]> {
  // An ask that was refused for certain made no claim; any other may have, also one whose answer was lost.
  const firstAsk = new Map<string, number>();
  for (const { claimKey, invokedOrder, outcome } of history) {
    if (outcome.kind === "refused" && outcome.reason !== "UNCERTAIN") continue;
    const earlier = firstAsk.get(claimKey);
    if (earlier === undefined || invokedOrder < earlier) firstAsk.set(claimKey, invokedOrder);
  }
  const generations = new Map<number, Claim[]>();
  for (const [claimKey, { entry, coupon }] of firstAnswers) {
    const generation = coupon.generation ?? issuanceByCode.get(coupon.code)?.generation;
    if (generation === undefined) continue; // not on record: U2 says so
    const claim = {
      claimKey,
      seq: coupon.seq,
      askedOrder: firstAsk.get(claimKey) ?? entry.invokedOrder,
      answeredOrder: entry.answeredOrder,
    };
    const others = generations.get(generation);
    if (others === undefined) generations.set(generation, [claim]);
    else others.push(claim);
  }
  return generations;
}
