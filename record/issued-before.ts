import { type Collection, MongoServerError } from "mongodb";
import type { IssuanceDoc } from "./documents.ts";

/** Error code of MongoDB: MaxTimeMSExpired. */
const MAX_TIME_EXPIRED = 50;

/**
 * How many issuances come before a place of the issue order; undefined: MongoDB could not count them within
 * `mostMs` (absent: no limit). Answered from the index alone, about a million places a second.
 */
export async function countIssuedBefore(
  collection: Collection<IssuanceDoc>,
  campaignId: string,
  { generation, seq }: Pick<IssuanceDoc, "generation" | "seq">,
  mostMs?: number,
): Promise<number | undefined> {
  const within = mostMs === undefined ? {} : { maxTimeMS: mostMs };
  const count = (filter: object) =>
    collection.countDocuments({ campaignId, ...filter }, { hint: "in_issue_order", ...within });
  try {
    const earlier = generation <= 1 ? 0 : await count({ generation: { $lt: generation } });
    return earlier + (await count({ generation, seq: { $lt: seq } }));
  } catch (error) {
    if (error instanceof MongoServerError && error.code === MAX_TIME_EXPIRED) return undefined;
    throw error;
  }
}
