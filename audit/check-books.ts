import { counted, isOrAre } from "../runtime/counting.ts";
import type { Check, Facts, PoolFacts } from "./facts.ts";
import { isSettled } from "./facts.ts";
import type { CampaignRecord, PoolMeta } from "./snapshot.ts";
import { type Findings, tellUnusable } from "./verdict.ts";

/** U3: |I| <= N, codes(I) within C, |C| = N; seen from outside, where nobody may see C, only the first. */
export function checkNeverMore(facts: Facts, findings: Findings): Check {
  const { campaign, register, codesAreKnown } = facts;
  return {
    code(slot) {
      if (!codesAreKnown || !register.has(slot, "issued") || register.has(slot, "made")) return;
      const name = register.nameCode(slot);
      const holder = register.nameKey(register.holder.get(slot));
      findings.violation(name, `, issued to ${holder}, is no code of this campaign`);
    },
    verdict() {
      const { issued, made, beyond } = facts;
      if (issued > campaign.total)
        findings.violation(`${counted(issued, "coupon")} issued of ${campaign.total}`);
      if (codesAreKnown) {
        if (campaign.state === "GENERATING" && made < campaign.total)
          findings.notJudged(`${made} of ${counted(campaign.total, "code")} made so far`);
        else if (calledOffUnmade(facts))
          findings.notJudged(
            `${made} of ${counted(campaign.total, "code")} had been made when it was called off`,
          );
        else if (made !== campaign.total || (beyond > 0 && campaign.growingTo === undefined))
          findings.violation(`${counted(made + beyond, "code")} on record, ${campaign.total} ordered`);
      }
      return findings.verdict(issued, `${issued} issued of ${campaign.total}`);
    },
  };
}

/** Whether it was cancelled before all of its codes were made: then it never had a pool, and nobody a coupon. */
function calledOffUnmade({ campaign, made, issued, pool }: Facts): boolean {
  const hadPool = pool?.after.meta !== undefined;
  return campaign.state === "CANCELLED" && made < campaign.total && issued === 0 && !hadPool;
}

/** States in which nobody needs the pool any more, so nobody makes it again where Redis has lost it. */
const OVER = new Set(["SOLD_OUT", "ENDED", "CANCELLED"]);

/**
 * U5: every code is either in the pool or issued, and the claims hash says what the issuances say. `LLEN + HLEN = N` is not counted
 * a second time at rest: it follows, given U1 (nothing in two places), U3 (|C| = N) and U4 (one coupon a key). While the sale is live
 * Redis' own lengths have to add up at every moment; and since lists, claims, ledger and issuances were read in this order, a code can be
 * seen twice but never nowhere, and a claim that was not in the ledger must have its issuance.
 */
export function checkBalance(facts: Facts, findings: Findings): Check {
  const { register, campaign } = facts;
  return {
    code(slot) {
      const { pool } = facts;
      if (pool === undefined || pool.unusable !== undefined || pool.after.meta === undefined) return;
      const made = register.has(slot, "made");
      const beyond = register.ordinal.get(slot) >= pool.after.meta.total;
      const somewhere =
        register.has(slot, "pooled") || register.has(slot, "issued") || register.has(slot, "bound");
      if (made && !beyond && !somewhere)
        findings.violation(register.nameCode(slot), " is stranded: neither in the pool nor issued");
      if (!made && register.has(slot, "pooled"))
        findings.violation(register.nameCode(slot), " in the pool is no code of this campaign");
    },
    key(slot) {
      const { pool } = facts;
      if (pool !== undefined && pool.unusable === undefined && pool.after.meta !== undefined)
        compareClaim(facts, pool, findings, slot);
    },
    verdict() {
      const { pool } = facts;
      if (pool === undefined) return findings.verdict(0, "not looked at");
      judgePool(facts, pool, findings);
      const { staged, open, away, claims, ledger } = pool.after.lengths;
      return findings.verdict(
        facts.made + pool.bound,
        `pool ${staged + open + away} + claims ${claims} of ${campaign.total}, ledger ${ledger}`,
      );
    },
  };
}

/** The states of a pool that does what is on record; where it moves by itself (it opens, it ends), the record follows. */
const FOLLOWS: Readonly<Record<string, readonly string[]>> = {
  GENERATING: ["staged", "open", "ended"],
  SCHEDULED: ["staged", "open", "ended"],
  OPEN: ["open", "ended"],
  PAUSED: ["paused", "ended"],
  SOLD_OUT: ["open", "ended"],
  ENDED: ["ended"],
  CANCELLED: ["cancelled"],
};

/** The pool does what operators decided. One that has moved on since the record was read is compared by its generation. */
function judgeLife(campaign: CampaignRecord, meta: PoolMeta, findings: Findings): void {
  const { state, startsAtMs, endsAtMs, armedAtMs, held, generation } = meta;
  if (held !== undefined) {
    findings.violation(`the pool is held for the change of generation ${held}, and nobody decides`);
    return;
  }
  if (generation > campaign.generation) return;
  if (FOLLOWS[campaign.state]?.includes(state) === false)
    findings.violation(`the campaign is ${campaign.state} and the pool is ${state}`);
  if (armedAtMs === 0 && startsAtMs !== campaign.startsAtMs)
    findings.violation(`the pool is to open at ${startsAtMs}, the campaign at ${campaign.startsAtMs}`);
  const recordedEndMs = campaign.endsAtMs ?? 0;
  if (endsAtMs !== recordedEndMs)
    findings.violation(`the pool is to end at ${endsAtMs}, the campaign at ${recordedEndMs} (0: never)`);
}

function judgePool({ campaign, live }: Facts, pool: PoolFacts, findings: Findings): void {
  const { after, before } = pool;
  const { staged, open, away, claims } = after.lengths;
  if (pool.unusable !== undefined) {
    tellUnusable(findings, pool.unusable);
    return;
  }
  if (after.meta === undefined) {
    findings.violation("Redis holds no pool of this campaign");
    return;
  }
  if (after.meta.total !== campaign.total)
    findings.violation(`the pool was loaded for ${counted(after.meta.total, "code")}, not ${campaign.total}`);
  if (after.meta.generation > campaign.generation)
    findings.violation(
      `the pool is of generation ${after.meta.generation}, the record knows ${campaign.generation}`,
    );
  judgeLife(campaign, after.meta, findings);
  const readAll = pool.pooled === staged + open + away && pool.bound === claims;
  if (!live && !readAll) findings.violation("the pool moved while it was read: not at rest");
  if (before === undefined || !live) return;
  for (const { meta, lengths } of [before, after]) {
    const sum = lengths.staged + lengths.open + lengths.away + lengths.claims;
    if (meta !== undefined && sum !== meta.total)
      findings.violation(`pool and claims are ${counted(sum, "code")} together, not ${meta.total}`);
  }
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
    findings.violation(register.nameCode(claimed), ` is bound to ${who} as ${place} and has no issuance`);
    return;
  }
  // A second coupon of one key is U4's finding, a second owner of one code U1's.
  if (register.has(issued, "contested")) return;
  const [generation, seq] = [register.generation.get(issued), register.seq.get(issued)];
  const name = register.nameCode(issued);
  if (claimed === -1) {
    if (isSettled(pool, generation, seq))
      findings.violation(name, ` of ${who} has an issuance and is not in the claims hash`);
    return;
  }
  const same =
    claimed === issued &&
    bound.generation.get(key) === generation &&
    bound.seq.get(key) === seq &&
    bound.atMs.get(key) === register.atMs.get(issued);
  if (!same && !register.has(claimed, "contested"))
    findings.violation(name, `: claims hash and issuance of ${who} differ`);
}

/** After so long nobody works on a ledger entry any more: sweepers finish those that are older than a second. */
const LEFT_MS = 30_000;

/** Whether somebody may still be working on a ledger entry. What is from the future is not: the clock of Redis stepped back. */
export function isYoung(ageMs: number): boolean {
  return Math.abs(ageMs) < LEFT_MS;
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
          findings.violation(placeNamed(place), " is in the ledger although nothing is under way");
        if (count > underWay.size)
          findings.violation(`the ledger holds ${counted(count, "entry", "entries")}`);
      } else {
        for (const [place, ageMs] of underWay) {
          if (!isYoung(ageMs) || OVER.has(campaign.state))
            findings.violation(placeNamed(place), " is in the ledger, and nobody finishes it");
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
            `${counted(wanting, "key")} asked for ${counted(campaign.total, "coupon")} and ${facts.issued} ${facts.issued === 1 ? "was" : "were"} issued`,
          );
      }
      return findings.verdict(wanting, `${counted(wanting, "key")} asked after the start`);
    },
  };
}
