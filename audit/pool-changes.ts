import type { CampaignRecord, PoolMark } from "./snapshot.ts";
import type { Unusable } from "./verdict.ts";

/** States after which the pool does not change any more. */
export const FINAL = new Set(["SOLD_OUT", "ENDED", "CANCELLED"]);

/** Whether the pool has changed while it was read. */
export function hasMoved(before: PoolMark | undefined, after: PoolMark): boolean {
  if (before === undefined) return false;
  const facts = ({ meta, seq, lengths }: PoolMark) =>
    JSON.stringify([
      meta?.state,
      meta?.generation,
      meta?.total,
      meta?.held,
      meta?.erasures,
      seq,
      Object.entries(lengths).sort(),
    ]);
  return facts(before) !== facts(after);
}

/** Why a pool that may be right cannot be judged; undefined: it can. */
export function unusableBecause(
  { state, total }: CampaignRecord,
  issued: number,
  before: PoolMark | undefined,
  after: PoolMark,
): Unusable | undefined {
  const never = (why: string): Unusable => ({ why, prevented: false });
  const notNow = (why: string): Unusable => ({ why, prevented: true });
  if (after.meta === undefined) {
    if (state === "GENERATING") return never("the codes are still being made");
    if (state === "SOLD_OUT" && issued >= total)
      return never("Redis no longer has the pool, and it is not needed");
    if (FINAL.has(state)) return never("Redis no longer has the pool of a campaign that is over");
    return undefined;
  }
  if (after.fenced)
    return FINAL.has(state)
      ? never("the pool is one of another Redis process, and it is not used any more")
      : notNow("the pool is one of another Redis process: it is made again at the next claim or tick");
  const rebuilt = before !== undefined && before.meta?.generation !== after.meta.generation;
  return rebuilt ? notNow("the pool was made again while it was read") : undefined;
}
