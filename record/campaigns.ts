import { type Collection, type Db, MongoServerError } from "mongodb";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export const RECORDED_STATES = [
  "GENERATING",
  "SCHEDULED",
  "OPEN",
  "PAUSED",
  "SOLD_OUT",
  "ENDED",
  "CANCELLED",
] as const;
export type RecordedState = (typeof RECORDED_STATES)[number];

export type CampaignDoc = {
  _id: string;
  name: string;
  total: number;
  startsAt: Date;
  endsAt?: Date;
  onePerUser: boolean;
  codeFormat: string;
  state: RecordedState;
  /** Raised whenever the Redis side is loaded or rebuilt; 0: never yet. */
  generation: number;
  /** The highest generation known to have been swapped in: a pool of a lower one is an old Redis that came back. */
  loadedGeneration?: number;
  /** Codes known to be durable, a lower bound: ordinals below it all exist. */
  generated: number;
  createdAt: Date;
  openedAt?: Date;
  requestId?: string;
  /** Who fills or loads this campaign, on MongoDB's clock. A hint that saves work; correctness rests on the indexes. */
  lease?: { owner: string; until: Date };
};

export type Campaigns = ReturnType<typeof createCampaigns>;

/** States in which the pool may still change. */
const LIVE: RecordedState[] = ["SCHEDULED", "OPEN", "PAUSED"];

/** States from which the start may still open it, a paused one if it is resumed. */
const TO_OPEN: RecordedState[] = ["GENERATING", "SCHEDULED", "PAUSED"];

export function createCampaigns(db: Db) {
  const collection: Collection<CampaignDoc> = db.collection("campaigns");
  return {
    /** Inserts a new campaign. The document that stands: this one, or the earlier one with the same requestId. */
    async create(doc: CampaignDoc): Promise<CampaignDoc> {
      try {
        await collection.insertOne(doc);
        return doc;
      } catch (error) {
        if (
          !(error instanceof MongoServerError) ||
          error.code !== DUPLICATE_KEY ||
          doc.requestId === undefined
        )
          throw error;
        const earlier = await collection.findOne({ requestId: doc.requestId });
        if (earlier === null) throw error;
        return earlier;
      }
    },

    /** How many codes of this format all campaigns have or are to have. */
    async totalOfFormat(codeFormat: string): Promise<number> {
      const [sum] = await collection
        .aggregate<{ total: number }>([
          { $match: { codeFormat } },
          { $group: { _id: null, total: { $sum: "$total" } } },
        ])
        .toArray();
      return sum?.total ?? 0;
    },

    find: (id: string): Promise<CampaignDoc | null> => collection.findOne({ _id: id }),

    findByRequest: (requestId: string): Promise<CampaignDoc | null> => collection.findOne({ requestId }),

    /** Newest first, from below the id `before` (exclusive; empty: from the newest). */
    list: (before: string, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find(before === "" ? {} : { _id: { $lt: before } })
        .sort({ _id: -1 })
        .limit(limit)
        .toArray(),

    /** Campaigns whose pool may still change, by id, at most `limit`, above the id `after` (exclusive). */
    live: (limit: number, after = ""): Promise<CampaignDoc[]> =>
      collection
        .find({ state: { $in: LIVE }, _id: { $gt: after } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** Campaigns that are to open after one instant and until another, soonest first, at most `limit`. */
    startingBetween: (after: Date, until: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: { $in: TO_OPEN }, startsAt: { $gt: after, $lte: until } })
        .sort({ startsAt: 1 })
        .limit(limit)
        .toArray(),

    /** A campaign that waits for codes, that nobody works on and that is none of `except`, soonest start first. */
    nextToGenerate: (except: readonly string[] = []): Promise<CampaignDoc | null> =>
      collection.findOne(
        {
          state: "GENERATING",
          _id: { $nin: [...except] },
          $expr: { $lt: [{ $ifNull: ["$lease.until", new Date(0)] }, "$$NOW"] },
        },
        { sort: { startsAt: 1 } },
      ),

    /**
     * Takes the campaign's lease for `leaseMs` unless somebody else holds it; null then. `raiseGeneration`: the same step
     * hands out the next generation.
     */
    takeLease: (
      id: string,
      owner: string,
      leaseMs: number,
      raiseGeneration: boolean,
    ): Promise<CampaignDoc | null> =>
      collection.findOneAndUpdate(
        {
          _id: id,
          $expr: {
            $or: [
              { $lt: [{ $ifNull: ["$lease.until", new Date(0)] }, "$$NOW"] },
              { $eq: ["$lease.owner", owner] },
            ],
          },
        },
        [
          {
            $set: {
              lease: { owner, until: { $add: ["$$NOW", leaseMs] } },
              generation: { $add: ["$generation", raiseGeneration ? 1 : 0] },
            },
          },
        ],
        { returnDocument: "after" },
      ),

    /** Extends a lease that is still ours. False: it is not. */
    async renewLease(id: string, owner: string, leaseMs: number): Promise<boolean> {
      const result = await collection.updateOne({ _id: id, "lease.owner": owner }, [
        { $set: { "lease.until": { $add: ["$$NOW", leaseMs] } } },
      ]);
      return result.matchedCount === 1;
    },

    /** `loadedGeneration`: what was swapped in under the lease, if anything. */
    async dropLease(id: string, owner: string, loadedGeneration?: number): Promise<void> {
      await collection.updateOne(
        { _id: id, "lease.owner": owner },
        { $unset: { lease: 1 }, ...(loadedGeneration === undefined ? {} : { $max: { loadedGeneration } }) },
      );
    },

    async recordGenerated(id: string, generated: number): Promise<void> {
      await collection.updateOne({ _id: id }, { $max: { generated } });
    },

    /**
     * Moves a campaign forward, if it still is in one of `from`. False: it is not, and nothing changed.
     * `openedAt` is written once and never replaced.
     */
    async advance(
      id: string,
      from: readonly RecordedState[],
      to: RecordedState,
      openedAt?: Date,
    ): Promise<boolean> {
      const result = await collection.updateOne({ _id: id, state: { $in: [...from] } }, [
        {
          $set: {
            state: to,
            ...(openedAt === undefined ? {} : { openedAt: { $ifNull: ["$openedAt", openedAt] } }),
          },
        },
      ]);
      return result.modifiedCount === 1;
    },
  };
}
