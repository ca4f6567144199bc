import { counted, isOrAre } from "../runtime/counting.ts";
import type { Check, Facts, PoolFacts } from "./facts.ts";
import { isSettled } from "./facts.ts";
import { judgePool } from "./pool-judgement.ts";
import { leftAfterMs, type Timings } from "./timings.ts";
import { type Findings, tellUnusable } from "./verdict.ts";

/** U3: |I| <= N, codes(I) within C, |C| = N; from outside, where C cannot be read, only the first. */
export function checkNeverMore(facts: Facts, findings: Findings): Check {
  const { campaign, register, codesAreKnown } = facts;
  return {
    code(slot) {
      if (!codesAreKnown || !register.has(slot, "issued") || register.has(slot, "made")) return;
      const name = register.nameCode(slot);
      const holder = register.nameKey(register.holder.get(slot));
      findings.violation("foreign", name, `, issued to ${holder}, is no code of this campaign`);
    },
    verdict() {
      const { issued, made, beyond, most } = facts;
      if (issued > most.total)
        findings.certain("issued beyond the total", `${counted(issued, "coupon")} issued of ${most.total}`);
      if (codesAreKnown) {
        if (campaign.state === "GENERATING" && made < campaign.total)
          findings.notJudged(`${made} of ${counted(campaign.total, "code")} made so far`);
        else if (calledOffUnmade(facts))
          findings.notJudged(
            `${made} of ${counted(campaign.total, "code")} had been made when it was called off`,
          );
        else if (made + beyond > (most.growingTo ?? most.total))
          findings.certain("codes beyond the total", codesOnRecord(facts));
        else if (made !== campaign.total) findings.violation("codes missing", codesOnRecord(facts));
      }
      return findings.verdict(issued, `${issued} issued of ${campaign.total}`);
    },
  };
}

function codesOnRecord({ made, beyond, most }: Facts): string {
  return `${counted(made + beyond, "code")} on record, ${most.growingTo ?? most.total} ordered`;
}

/**
 * Whether it was cancelled before all of its codes were made: then it never had a pool or an issuance.
 */
function calledOffUnmade({ campaign, made, issued, pool }: Facts): boolean {
  const hadPool = pool?.after.meta !== undefined;
  return campaign.state === "CANCELLED" && made < campaign.total && issued === 0 && !hadPool;
}

/** States in which the pool is not needed any more, so no process rebuilds it where Redis has lost it. */
const OVER = new Set(["SOLD_OUT", "ENDED", "CANCELLED"]);

/**
 * U5: every code is either in the pool or issued, and the claims hash agrees with the issuances. `LLEN +
 * HLEN = N` is not counted a second time at rest: it follows, given U1 (nothing in two places), U3 (|C| = N)
 * and U4 (one coupon a key). While the sale is live Redis' own lengths have to add up at every moment; and
 * since lists, claims, ledger and issuances were read in this order, a code can be seen twice but never
 * nowhere, and a claim that was not in the ledger must have its issuance.
 */
export function checkBalance(facts: Facts, findings: Findings): Check {
  const { register, campaign } = facts;
  let pooledAgain = 0;
  return {
    issued(code, _key, _heldBefore, { misfit }) {
      if (misfit !== undefined)
        findings.violation("misfit", register.nameCode(code), ` has an issuance whose ${misfit}`);
    },
    code(slot) {
      const { pool } = facts;
      if (register.has(slot, "pooledAgain")) pooledAgain += 1;
      if (pool === undefined || pool.unusable !== undefined || pool.after.meta === undefined) return;
      const made = register.has(slot, "made");
      const beyond = register.ordinal.get(slot) >= pool.after.meta.total;
      const somewhere =
        register.has(slot, "pooled") || register.has(slot, "issued") || register.has(slot, "bound");
      if (made && !beyond && !somewhere)
        findings.violation(
          "stranded",
          register.nameCode(slot),
          " is stranded: neither in the pool nor issued",
        );
      if (!made && register.has(slot, "pooled"))
        findings.violation("foreign", register.nameCode(slot), " in the pool is no code of this campaign");
    },
    key(slot) {
      const { pool } = facts;
      if (pool !== undefined && pool.unusable === undefined && pool.after.meta !== undefined)
        compareClaim(facts, pool, findings, slot);
    },
    verdict() {
      const { pool } = facts;
      if (pool === undefined) return findings.verdict(0, "not looked at");
      judgePool(facts, pool, pooledAgain, findings);
      const { staged, open, away, claims, ledger } = pool.after.lengths;
      return findings.verdict(
        facts.made + pool.bound,
        `pool ${staged + open + away} + claims ${claims} of ${campaign.total}, ledger ${ledger}`,
      );
    },
  };
}

function compareClaim({ register }: Facts, pool: PoolFacts, findings: Findings, key: number): void {
  const { bound, held } = register;
  const claimed = bound.code.get(key);
  const issued = held.get(key);
  const who = register.nameKey(key);
  if (issued === -1) {
    if (claimed === -1 || register.has(claimed, "contested")) return;
    const place = `${bound.generation.get(key)}-${bound.seq.get(key)}`;
    if (pool.before !== undefined && pool.underWay.has(place)) return;
    findings.violation(
      "no issuance",
      register.nameCode(claimed),
      ` is bound to ${who} as ${place} and has no issuance`,
    );
    return;
  }
  // A second coupon of one key is U4's finding, a second owner of one code U1's.
  if (register.has(issued, "contested")) return;
  const [generation, seq] = [register.generation.get(issued), register.seq.get(issued)];
  const name = register.nameCode(issued);
  if (claimed === -1) {
    if (isSettled(pool, generation, seq))
      findings.violation("no claim", name, ` of ${who} has an issuance and is not in the claims hash`);
    return;
  }
  const same =
    claimed === issued &&
    bound.generation.get(key) === generation &&
    bound.seq.get(key) === seq &&
    bound.atMs.get(key) === register.atMs.get(issued);
  if (!same && !register.has(claimed, "contested"))
    findings.violation("claim differs", name, `: claims hash and issuance of ${who} differ`);
}

/**
 * Whether a server may still be working on a ledger entry. A negative age counts by its size: the clock of
 * Redis has stepped back.
 */
export function isYoung(ageMs: number, timings: Timings): boolean {
  return Math.abs(ageMs) < leftAfterMs(timings);
}

/** U5, the part that only holds at rest: the ledger is empty. */
export function checkLedger(facts: Facts, findings: Findings): Check {
  const { campaign } = facts;
  return {
    verdict() {
      const { pool } = facts;
      if (pool === undefined) return findings.verdict(0, "not looked at");
      const { underWay } = pool;
      const count = Math.max(underWay.size, pool.after.lengths.ledger);
      const detail = `${counted(count, "claim")} in the ledger`;
      if (pool.unusable !== undefined) tellUnusable(findings, pool.unusable);
      else if (!facts.live) {
        for (const place of underWay.keys())
          findings.violation("left", placeNamed(place), " is in the ledger although nothing is under way");
        if (count > underWay.size)
          findings.violation("entries left", `the ledger holds ${counted(count, "entry", "entries")}`);
      } else {
        for (const [place, ageMs] of underWay) {
          if (!isYoung(ageMs, facts.timings) || OVER.has(campaign.state))
            findings.violation("left", placeNamed(place), " is in the ledger, and no sweeper finishes it");
        }
        findings.notJudged(`${counted(count, "claim")} ${isOrAre(count)} under way`);
      }
      return findings.verdict(Math.max(1, count), detail);
    },
  };
}

function placeNamed(place: string) {
  const [generation = 0, seq = 0] = place.split("-").map(Number);
  return { name: `the claim ${place}`, generation, seq };
}

/** U6: where at least N different keys asked after the start, all N coupons are issued in the end. */
export function checkNothingStranded(facts: Facts, findings: Findings): Check {
  const { campaign, answers } = facts;
  return {
    verdict() {
      const { wanting } = answers.counts();
      const missing = wanting >= campaign.total && facts.issued < campaign.total;
      if (campaign.state !== "CANCELLED" && missing) {
        if (facts.live) findings.notJudged("the sale goes on");
        else
          findings.violation(
            "stranded",
            `${counted(wanting, "key")} asked for ${counted(campaign.total, "coupon")} and ${facts.issued} ${facts.issued === 1 ? "was" : "were"} issued`,
          );
      }
      return findings.verdict(wanting, `${counted(wanting, "key")} asked after the start`);
    },
  };
}
