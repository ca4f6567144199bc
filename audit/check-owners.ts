import type { Facts } from "./facts.ts";
import { createFindings, redactCode, redactKey, type Verdict } from "./verdict.ts";

/** U1: no code has two owners in issuances, answers and claims hash taken together; no code is in two places. */
export function checkOneOwner({ snapshot, issuanceByCode, contested }: Facts): Verdict {
  const findings = createFindings("U1");
  for (const code of contested) findings.violation(`${redactCode(code)} belongs to more than one claim key`);

  const recorded = new Set<string>();
  for (const { code, claimKey } of snapshot.issuances) {
    if (recorded.has(code) && !contested.has(code)) {
      findings.violation(`${redactCode(code)} is recorded twice for ${redactKey(claimKey)}`);
    }
    recorded.add(code);
  }

  const bound = new Set(snapshot.redis.claims.map((claim) => claim.code));
  const pooled = new Set<string>();
  for (const list of [snapshot.redis.staged, snapshot.redis.open, snapshot.redis.away]) {
    for (const code of list) {
      if (pooled.has(code)) findings.violation(`${redactCode(code)} is in the pool twice`);
      else if (issuanceByCode.has(code)) findings.violation(`${redactCode(code)} is in the pool and issued`);
      else if (bound.has(code)) findings.violation(`${redactCode(code)} is in the pool and bound to a key`);
      pooled.add(code);
    }
  }
  return findings.verdict(
    recorded.size + pooled.size,
    `${recorded.size} issued codes, ${pooled.size} in the pool`,
  );
}

/**
 * U2: the first answer of every key stands in the issuances with the same key, seq and instant. A code that stands there
 * under another key is U1's, an answer that differs from the key's first is U4's: each damage has one name.
 */
export function checkAcknowledged({ firstAnswers, issuanceByCode }: Facts): Verdict {
  const findings = createFindings("U2");
  for (const [claimKey, { coupon }] of firstAnswers) {
    const issuance = issuanceByCode.get(coupon.code);
    const what = `${redactCode(coupon.code)} of ${redactKey(claimKey)}`;
    if (issuance === undefined) findings.violation(`${what} was acknowledged and is not recorded`);
    else if (issuance.claimKey !== claimKey) continue;
    else if (issuance.seq !== coupon.seq)
      findings.violation(`${what}: answered with seq ${coupon.seq}, recorded with ${issuance.seq}`);
    else if (issuance.issuedAtMs !== coupon.issuedAtMs)
      findings.violation(
        `${what}: the instant answered is ${coupon.issuedAtMs - issuance.issuedAtMs} ms off the record`,
      );
    else if (coupon.generation !== undefined && coupon.generation !== issuance.generation)
      findings.violation(
        `${what}: answered with generation ${coupon.generation}, recorded with ${issuance.generation}`,
      );
  }
  return findings.verdict(firstAnswers.size, `${firstAnswers.size} acknowledged coupons`);
}

/** U4: all answers of a key carry the same code, seq and instant, and the record holds one coupon a key. */
export function checkSameCoupon({ snapshot, firstAnswers, laterAnswers }: Facts): Verdict {
  const findings = createFindings("U4");
  for (const { entry, coupon } of laterAnswers) {
    const first = firstAnswers.get(entry.claimKey)?.coupon;
    if (first === undefined) continue;
    const who = redactKey(entry.claimKey);
    if (coupon.code !== first.code)
      findings.violation(`${who} was given ${redactCode(first.code)}, then ${redactCode(coupon.code)}`);
    else if (coupon.seq !== first.seq)
      findings.violation(`${who} was told seq ${first.seq}, then ${coupon.seq}`);
    else if (coupon.issuedAtMs !== first.issuedAtMs)
      findings.violation(`${who} was told two instants, ${coupon.issuedAtMs - first.issuedAtMs} ms apart`);
  }
  const held = new Map<string, string>();
  for (const { claimKey, code } of snapshot.issuances) {
    const first = held.get(claimKey);
    if (first !== undefined && first !== code)
      findings.violation(`${redactKey(claimKey)} holds ${redactCode(first)} and ${redactCode(code)}`);
    held.set(claimKey, code);
  }
  return findings.verdict(
    laterAnswers.length + held.size,
    `${laterAnswers.length} repeated answers, ${held.size} keys on record`,
  );
}
