import type { Filter } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";

/** A place in the issue order of a campaign, to read on from. Within a generation each seq occurs once. */
export type IssuePosition = { readonly generation: number; readonly seq: number };

/** A stretch of the issue order, without its two ends; undefined: there is no such end. */
export type Stretch = {
  readonly after: IssuePosition | undefined;
  readonly below: IssuePosition | undefined;
};

/** The ranges of the index that make up a stretch of the issue order, in order. */
export function rangesOf({ after, below }: Stretch): Filter<IssuanceDoc>[] {
  const first = after === undefined ? {} : { $gt: after.generation };
  const rest = (most: number) => ({ generation: { ...first, $lt: most } });
  const sameGeneration = (above: IssuePosition) => ({
    generation: above.generation,
    seq: { $gt: above.seq, ...(below?.generation === above.generation ? { $lt: below.seq } : {}) },
  });
  if (below === undefined)
    return after === undefined ? [{}] : [sameGeneration(after), { generation: { $gt: after.generation } }];
  const last = { generation: below.generation, seq: { $lt: below.seq } };
  if (after === undefined) return [rest(below.generation), last];
  if (after.generation > below.generation) return [];
  if (after.generation === below.generation) return [sameGeneration(after)];
  const isNext = below.generation === after.generation + 1;
  return [sameGeneration(after), ...(isNext ? [] : [rest(below.generation)]), last];
}
