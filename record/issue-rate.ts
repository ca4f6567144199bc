import type { Collection, Db } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";

export type BucketPlan = {
  readonly startsAt: Date;
  /** How long after the start the first bucket begins. */
  readonly fromMs: number;
  readonly bucketMs: number;
  /** The number of buckets. Later issuances go into one more, those before the start into another. */
  readonly buckets: number;
};

export type IssueCounts = {
  /**
   * Issuances by bucket. Bucket 0 begins `fromMs` after the start; issuances between the start and its
   * beginning count in it too.
   */
  readonly perBucket: ReadonlyMap<number, number>;
  readonly early: number;
  readonly later: number;
  readonly counted: number;
  /** The second with the most issuances, counted from the start; undefined: there are none. */
  readonly peak: { readonly issued: number; readonly sinceStartMs: number } | undefined;
  readonly firstAt: Date | undefined;
  readonly lastAt: Date | undefined;
};

/** The period of most of a sale. */
export type Extent = { readonly firstAt: Date; readonly mostBy: Date };

export type IssueRate = ReturnType<typeof createIssueRate>;

/** Issuances counted at most: the first ones in issue order, which are those around the start. */
export const COUNTED_MAX = 1_000_000;
const COUNTING_MAX_MS = 7_000;
/** The share of issuances within `mostBy`: a few coupons issued days later would stretch the period. */
const MOST = 0.99;
const SECOND_MS = 1_000;

type Group = { _id: number; issued: number; firstAt: Date; lastAt: Date };
type Facets = { buckets: Group[]; peak: { _id: number; issued: number }[] };

export function createIssueRate(db: Db) {
  const collection: Collection<IssuanceDoc> = db.collection("issuances");

  /** The instant of the issuance at a place of the issue order, counted from the end where `last` is true. */
  async function instantAt(campaignId: string, place: number, last = false): Promise<Date | undefined> {
    const direction = last ? -1 : 1;
    const [found] = await collection
      .find(
        { campaignId },
        { hint: "in_issue_order", projection: { issuedAt: 1 }, maxTimeMS: COUNTING_MAX_MS },
      )
      .sort({ generation: direction, seq: direction })
      .skip(place)
      .limit(1)
      .toArray();
    return found?.issuedAt;
  }

  return {
    /** The period of a sale with so many issuances; undefined: there are none. */
    async extent(campaignId: string, issued: number): Promise<Extent | undefined> {
      const place = Math.floor((Math.min(issued, COUNTED_MAX) - 1) * MOST);
      const firstAt = await instantAt(campaignId, 0);
      const mostBy = await instantAt(campaignId, Math.max(0, place));
      return firstAt === undefined || mostBy === undefined ? undefined : { firstAt, mostBy };
    },

    /**
     * Counts by time in MongoDB: reads along the issue order once, up to a bound; the result has one document
     * for each bucket.
     */
    async count(campaignId: string, plan: BucketPlan): Promise<IssueCounts> {
      const { startsAt, fromMs, bucketMs, buckets } = plan;
      const sinceStartMs = { $subtract: ["$issuedAt", startsAt] };
      const inWindow = { $floor: { $divide: [{ $subtract: [sinceStartMs, fromMs] }, bucketMs] } };
      const bucket = {
        $cond: [{ $lt: [sinceStartMs, 0] }, -1, { $max: [0, { $min: [buckets, inWindow] }] }],
      };
      const counts = {
        issued: { $sum: "$issued" },
        firstAt: { $min: "$firstAt" },
        lastAt: { $max: "$lastAt" },
      };
      const [facets] = await collection
        .aggregate<Facets>(
          [
            { $match: { campaignId } },
            { $sort: { generation: 1, seq: 1 } },
            { $limit: COUNTED_MAX },
            {
              $group: {
                _id: { bucket, second: { $floor: { $divide: [sinceStartMs, SECOND_MS] } } },
                issued: { $sum: 1 },
                firstAt: { $min: "$issuedAt" },
                lastAt: { $max: "$issuedAt" },
              },
            },
            {
              $facet: {
                buckets: [{ $group: { _id: "$_id.bucket", ...counts } }],
                peak: [
                  { $group: { _id: "$_id.second", issued: { $sum: "$issued" } } },
                  { $sort: { issued: -1, _id: 1 } },
                  { $limit: 1 },
                ],
              },
            },
          ],
          { hint: "in_issue_order", maxTimeMS: COUNTING_MAX_MS },
        )
        .toArray();
      const groups = facets?.buckets ?? [];
      const newest = await instantAt(campaignId, 0, true);
      const instants = groups.flatMap(({ firstAt, lastAt }) => [firstAt.getTime(), lastAt.getTime()]);
      if (newest !== undefined) instants.push(newest.getTime());
      const issued = (id: number) => groups.find(({ _id }) => _id === id)?.issued ?? 0;
      const inside = groups.filter(({ _id }) => _id >= 0 && _id < buckets);
      const [peak] = facets?.peak ?? [];
      return {
        perBucket: new Map(inside.map((group) => [group._id, group.issued])),
        early: issued(-1),
        later: issued(buckets),
        counted: groups.reduce((sum, group) => sum + group.issued, 0),
        peak: peak === undefined ? undefined : { issued: peak.issued, sinceStartMs: peak._id * SECOND_MS },
        firstAt: instants.length === 0 ? undefined : new Date(Math.min(...instants)),
        lastAt: instants.length === 0 ? undefined : new Date(Math.max(...instants)),
      };
    },
  };
}
