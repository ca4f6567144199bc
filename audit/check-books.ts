import type { Facts } from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import type { Issuance } from "./snapshot.ts";
import { createFindings, redactCode, redactKey, type Verdict } from "./verdict.ts";

/** U3: |I| <= N, codes(I) within C, |C| = N; seen from outside, where nobody may see C, only the first. */
export function checkNeverMore({ snapshot, codes }: Facts, codesAreKnown = true): Verdict {
  const findings = createFindings("U3");
  const { campaign, issuances } = snapshot;
  if (issuances.length > campaign.total)
    findings.violation(`${issuances.length} coupons issued of ${campaign.total}`);
  if (codesAreKnown && codes.size !== campaign.total)
    findings.violation(`${codes.size} codes exist, ${campaign.total} were ordered`);
  for (const { code, claimKey } of codesAreKnown ? issuances : []) {
    if (!codes.has(code))
      findings.violation(
        `${redactCode(code)}, issued to ${redactKey(claimKey)}, is no code of this campaign`,
      );
  }
  return findings.verdict(issuances.length, `${issuances.length} issued of ${campaign.total}`);
}

/**
 * U5: at rest every code is either in the pool or issued, the ledger is empty, and the claims hash says what the issuances
 * say. `LLEN + HLEN = N` is not counted a second time: it follows, given U1 (nothing in two places), U3 (|C| = N) and U4
 * (one coupon a key); the lengths are compared with what was read, so a store that still moves is noticed.
 */
export function checkBalance(facts: Facts): Verdict {
  const findings = createFindings("U5");
  const { snapshot, codes, issuanceByCode } = facts;
  const { redis, campaign } = snapshot;
  const { lengths } = redis;
  const detail = `pool ${lengths.staged + lengths.open + lengths.away} + claims ${lengths.claims} of ${campaign.total}, ledger ${lengths.ledger}`;
  if (redis.meta === undefined) {
    findings.violation("Redis holds no pool of this campaign");
    return findings.verdict(0, detail);
  }
  if (redis.meta.total !== campaign.total)
    findings.violation(`the pool was loaded for ${redis.meta.total} codes, not ${campaign.total}`);
  if (redis.meta.generation > campaign.generation)
    findings.violation(
      `the pool is of generation ${redis.meta.generation}, the record knows ${campaign.generation}`,
    );
  if (
    lengths.staged !== redis.staged.length ||
    lengths.open !== redis.open.length ||
    lengths.away !== redis.away.length ||
    lengths.claims !== redis.claims.length
  )
    findings.violation("the pool moved while it was read: not at rest");
  if (lengths.ledger > 0 || redis.ledgerIds.length > 0)
    findings.violation(`the ledger holds ${Math.max(lengths.ledger, redis.ledgerIds.length)} entries`);

  const pooled = new Set([...redis.staged, ...redis.open, ...redis.away]);
  for (const code of codes) {
    if (!pooled.has(code) && !issuanceByCode.has(code))
      findings.violation(`${redactCode(code)} is stranded: neither in the pool nor issued`);
  }
  for (const code of pooled) {
    if (!codes.has(code)) findings.violation(`${redactCode(code)} in the pool is no code of this campaign`);
  }
  compareClaims(facts, findings.violation);
  return findings.verdict(codes.size + redis.claims.length, detail);
}

function compareClaims(
  { snapshot, contested, issuanceByKey }: Facts,
  violation: (words: string) => void,
): void {
  const claims = new Map(snapshot.redis.claims.map((claim) => [claim.claimKey, claim]));
  for (const claim of snapshot.redis.claims) {
    if (!issuanceByKey.has(claim.claimKey) && !contested.has(claim.code))
      violation(`${redactKey(claim.claimKey)} is bound to ${redactCode(claim.code)} and has no issuance`);
  }
  const seen = new Set<string>();
  for (const issuance of snapshot.issuances) {
    // A second coupon of one key is U4's finding, a second owner of one code U1's.
    if (seen.has(issuance.claimKey) || contested.has(issuance.code)) continue;
    seen.add(issuance.claimKey);
    const claim = claims.get(issuance.claimKey);
    if (claim === undefined)
      violation(`${redactKey(issuance.claimKey)} has an issuance and is not in the claims hash`);
    else if (!contested.has(claim.code) && !sameCoupon(claim, issuance))
      violation(`claims hash and issuance of ${redactKey(issuance.claimKey)} differ`);
  }
}

function sameCoupon(a: Issuance, b: Issuance): boolean {
  return (
    a.code === b.code && a.generation === b.generation && a.seq === b.seq && a.issuedAtMs === b.issuedAtMs
  );
}

/** Refusals after which the caller cannot complain that a coupon was left: the rules said no, not the stock. */
const NO_DEMAND = new Set([
  "NOT_STARTED",
  "ENDED",
  "CANCELLED",
  "PAUSED",
  "INVALID",
  "UNKNOWN_CAMPAIGN",
  "NO_COUPON",
  "CONFLICT",
]);

/** U6: where at least N different keys asked after the start, all N coupons are issued in the end. */
export function checkNothingStranded({ snapshot, history }: Facts): Verdict {
  const findings = createFindings("U6");
  const { campaign, issuances } = snapshot;
  const demand = new Set<string>();
  const wanted = (entry: HistoryEntry) =>
    entry.invokedAtMs >= campaign.startsAtMs &&
    (campaign.endsAtMs === undefined || entry.answeredAtMs < campaign.endsAtMs) &&
    !(entry.outcome.kind === "refused" && NO_DEMAND.has(entry.outcome.reason));
  for (const entry of history) if (wanted(entry)) demand.add(entry.claimKey);
  if (campaign.state !== "CANCELLED" && demand.size >= campaign.total && issuances.length < campaign.total)
    findings.violation(
      `${demand.size} keys asked for ${campaign.total} coupons and ${issuances.length} were issued`,
    );
  return findings.verdict(demand.size, `${demand.size} keys asked after the start`);
}
