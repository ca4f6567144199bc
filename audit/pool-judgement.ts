import { counted } from "../runtime/counting.ts";
import type { Facts, PoolFacts } from "./facts.ts";
import type { CampaignRecord, PoolLengths, PoolMark, PoolMeta } from "./snapshot.ts";
import { type Findings, tellUnusable } from "./verdict.ts";

/**
 * By recorded state: the states that its pool may have. Where the pool changes first (it opens or ends at the
 * instant), the record follows.
 */
const FOLLOWS: Readonly<Record<string, readonly string[]>> = {
  GENERATING: ["staged", "open", "ended"],
  SCHEDULED: ["staged", "open", "ended"],
  OPEN: ["open", "ended"],
  PAUSED: ["paused", "ended"],
  SOLD_OUT: ["open", "ended"],
  ENDED: ["ended"],
  CANCELLED: ["cancelled"],
};

/**
 * The one list that has the codes of a pool in this state: each script that changes the state moves them in
 * the same step.
 */
const LIST_OF: Readonly<Record<string, "staged" | "open" | "away">> = {
  staged: "staged",
  open: "open",
  ended: "open",
  paused: "away",
  cancelled: "away",
};

/**
 * The part of U5 about the pool as a whole. `pooledAgain`: how many codes are in it a second time, which U1
 * reports.
 */
export function judgePool(facts: Facts, pool: PoolFacts, pooledAgain: number, findings: Findings): void {
  const { campaign, live, issued } = facts;
  const { after, before } = pool;
  const { staged, open, away, claims } = after.lengths;
  // SOLD_OUT is recorded only when all are issued, and removed in the step that raises the total: a live sale
  // does not excuse it.
  if (campaign.state === "SOLD_OUT" && issued < campaign.total)
    findings.violation(
      "not sold out",
      `the campaign is SOLD_OUT and ${counted(issued, "coupon")} issued of ${campaign.total}`,
    );
  if (pool.unusable !== undefined) {
    tellUnusable(findings, pool.unusable);
    return;
  }
  if (after.meta === undefined) {
    findings.violation("no pool", "Redis holds no pool of this campaign");
    return;
  }
  if (after.meta.total !== campaign.total)
    findings.violation(
      "pool total",
      `the pool was loaded for ${counted(after.meta.total, "code")}, not ${campaign.total}`,
    );
  if (after.meta.generation > campaign.generation)
    findings.violation(
      "unknown generation",
      `the pool is of generation ${after.meta.generation}, MongoDB has ${campaign.generation}`,
    );
  judgeState(after.meta, after.lengths, pooledAgain, findings);
  judgeLife(campaign, after.meta, findings);
  const readAll = pool.pooled === staged + open + away && pool.bound === claims;
  if (!live && !readAll) findings.violation("moved", "the pool moved while it was read: not at rest");
  if (before === undefined || !live) return;
  for (const mark of [before, after]) judgeSum(mark, findings);
}

function judgeSum({ meta, lengths }: PoolMark, findings: Findings): void {
  const sum = lengths.staged + lengths.open + lengths.away + lengths.claims;
  if (meta !== undefined && sum !== meta.total)
    findings.violation("sum", `pool and claims are ${counted(sum, "code")} together, not ${meta.total}`);
}

/** Compares a pool's state with its own lists, at any moment: state and lengths are of one transaction. */
function judgeState(
  { state, armedAtMs }: PoolMeta,
  lengths: PoolLengths,
  pooledAgain: number,
  findings: Findings,
): void {
  const list = LIST_OF[state];
  const astray = lengths.staged + lengths.open + lengths.away - (list === undefined ? 0 : lengths[list]);
  if (astray > pooledAgain)
    findings.violation(
      "another list",
      `the pool is ${state} and ${counted(astray, "code")} of it in a list from which no claim pops`,
    );
  if (state === "open" && armedAtMs === 0)
    findings.violation("not armed", "the pool is open and has no instant of its opening");
}

/**
 * Whether the pool follows the operators' changes. A pool of a higher generation changed after the record was
 * read, and is not compared.
 */
function judgeLife(campaign: CampaignRecord, meta: PoolMeta, findings: Findings): void {
  const { state, startsAtMs, endsAtMs, armedAtMs, held, generation } = meta;
  if (held !== undefined) {
    findings.violation(
      "held",
      `the pool is frozen for the change of generation ${held}, and no process decides it`,
    );
    return;
  }
  if (generation > campaign.generation) return;
  if (FOLLOWS[campaign.state]?.includes(state) === false)
    findings.violation("another state", `the campaign is ${campaign.state} and the pool is ${state}`);
  if (armedAtMs === 0 && startsAtMs !== campaign.startsAtMs)
    findings.violation(
      "another start",
      `the pool is to open at ${startsAtMs}, the campaign at ${campaign.startsAtMs}`,
    );
  const recordedEndMs = campaign.endsAtMs ?? 0;
  if (endsAtMs !== recordedEndMs)
    findings.violation(
      "another end",
      `the pool is to end at ${endsAtMs}, the campaign at ${recordedEndMs} (0: never)`,
    );
}
