import type { Collection, Db } from "mongodb";
import type { IssuanceDoc } from "./issuances.ts";

export type BucketPlan = {
  readonly startsAt: Date;
  readonly bucketMs: number;
  /** So many from the start; what comes later is one more, what came before another. */
  readonly buckets: number;
};

export type IssueCounts = {
  /** Issuances by bucket: 0 begins at the start. */
  readonly perBucket: ReadonlyMap<number, number>;
  readonly early: number;
  readonly later: number;
  readonly counted: number;
  readonly firstAt: Date | undefined;
  readonly lastAt: Date | undefined;
};

export type IssueRate = ReturnType<typeof createIssueRate>;

/** Issuances counted at most: the first ones in issue order, which are those around the start. */
export const COUNTED_MAX = 1_000_000;
const COUNTING_MAX_MS = 7_000;

export function createIssueRate(db: Db) {
  const collection: Collection<IssuanceDoc> = db.collection("issuances");
  return {
    /** Counts by time in MongoDB: one walk along the issue order, bounded, whose answer has a document a bucket. */
    async count(campaignId: string, { startsAt, bucketMs, buckets }: BucketPlan): Promise<IssueCounts> {
      const sinceStartMs = { $subtract: ["$issuedAt", startsAt] };
      const bucket = { $floor: { $divide: [sinceStartMs, bucketMs] } };
      const groups = await collection
        .aggregate<{ _id: number; issued: number; firstAt: Date; lastAt: Date }>(
          [
            { $match: { campaignId } },
            { $sort: { generation: 1, seq: 1 } },
            { $limit: COUNTED_MAX },
            {
              $group: {
                _id: { $max: [-1, { $min: [buckets, bucket] }] },
                issued: { $sum: 1 },
                firstAt: { $min: "$issuedAt" },
                lastAt: { $max: "$issuedAt" },
              },
            },
          ],
          { hint: "in_issue_order", maxTimeMS: COUNTING_MAX_MS },
        )
        .toArray();
      const [newest] = await collection
        .find({ campaignId }, { hint: "in_issue_order", projection: { issuedAt: 1 } })
        .sort({ generation: -1, seq: -1 })
        .limit(1)
        .toArray();
      const instants = groups.flatMap(({ firstAt, lastAt }) => [firstAt.getTime(), lastAt.getTime()]);
      if (newest !== undefined) instants.push(newest.issuedAt.getTime());
      const issued = (id: number) => groups.find(({ _id }) => _id === id)?.issued ?? 0;
      const inside = groups.filter(({ _id }) => _id >= 0 && _id < buckets);
      return {
        perBucket: new Map(inside.map((group) => [group._id, group.issued])),
        early: issued(-1),
        later: issued(buckets),
        counted: groups.reduce((sum, group) => sum + group.issued, 0),
        firstAt: instants.length === 0 ? undefined : new Date(Math.min(...instants)),
        lastAt: instants.length === 0 ? undefined : new Date(Math.max(...instants)),
      };
    },
  };
}
