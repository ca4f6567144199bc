import type { Collection, Db } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";
import type { IssuedRun } from "./event-documents.ts";
import type { IssuePosition } from "./issue-ranges.ts";

export type IssuedRuns = ReturnType<typeof createIssuedRuns>;

/** What the event log needs of the issuances beyond their order. */
export function createIssuedRuns(db: Db) {
  const collection: Collection<IssuanceDoc> = db.collection("issuances");
  return {
    /** The issuances of a run, in order. */
    read: (campaignId: string, { generation, first, last }: IssuedRun): Promise<IssuanceDoc[]> =>
      collection
        .find(
          { campaignId, generation, seq: { $gte: first, $lte: last } },
          { hint: "in_issue_order", batchSize: last - first + 2 },
        )
        .sort({ seq: 1 })
        .toArray(),

    /** How many issuances there are up to a place, inclusive; answered from the index alone. */
    async countUpTo(campaignId: string, { generation, seq }: IssuePosition): Promise<number> {
      const options = { hint: "in_issue_order" } as const;
      const [before, within] = await Promise.all([
        collection.countDocuments({ campaignId, generation: { $lt: generation } }, options),
        collection.countDocuments({ campaignId, generation, seq: { $lte: seq } }, options),
      ]);
      return before + within;
    },
  };
}
