import { type Collection, type Db, MongoServerError } from "mongodb";
import { REHEARSALS_FROM } from "./campaign-id.ts";
import type { CampaignDoc, RecordedState } from "./documents.ts";
import { createLeases, isOver } from "./leases.ts";
import { createSteps, OVER } from "./steps.ts";
import { STANDING } from "./still-exists.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type Campaigns = ReturnType<typeof createCampaigns>;

/** States in which the pool may still change. */
const LIVE: RecordedState[] = ["SCHEDULED", "OPEN", "PAUSED"];

/** Sold out, and a change or a load was begun after the pool was last known to agree with the document. */
const UNFINISHED = {
  state: "SOLD_OUT",
  $expr: { $gt: ["$generation", { $ifNull: ["$loadedGeneration", 0] }] },
} as const;

/** States before the opening; a paused campaign opens only after it is resumed. */
const TO_OPEN: RecordedState[] = ["GENERATING", "SCHEDULED", "PAUSED"];

/** Sorts after every id. */
const AFTER_ALL = "Z";

export function createCampaigns(db: Db) {
  const collection: Collection<CampaignDoc> = db.collection("campaigns");
  return {
    ...createLeases(collection),
    ...createSteps(collection),

    /**
     * Inserts a new campaign. Returns its document, or that of an earlier campaign with the same requestId.
     */
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

    /** How many codes of these formats all campaigns have or will have. */
    async totalOfFormats(codeFormats: readonly string[]): Promise<number> {
      const [sum] = await collection
        .aggregate<{ total: number }>([
          { $match: { codeFormat: { $in: [...codeFormats] } } },
          { $group: { _id: null, total: { $sum: { $add: ["$total", { $ifNull: ["$adding.count", 0] }] } } } },
        ])
        .toArray();
      return sum?.total ?? 0;
    },

    /** Every code format that a campaign has. */
    formatsInUse: (): Promise<string[]> => collection.distinct("codeFormat"),

    find: (id: string): Promise<CampaignDoc | null> => collection.findOne({ _id: id, ...STANDING }),

    findByRequest: (requestId: string): Promise<CampaignDoc | null> => collection.findOne({ requestId }),

    /**
     * Newest first, from below the id `before` (exclusive; empty: from the newest); with rehearsals, these
     * first.
     */
    list: (before: string, limit: number, withRehearsals = false): Promise<CampaignDoc[]> =>
      collection
        .find({
          _id: { $lt: before !== "" ? before : withRehearsals ? AFTER_ALL : REHEARSALS_FROM },
          ...STANDING,
        })
        .sort({ _id: -1 })
        .limit(limit)
        .toArray(),

    /**
     * Campaigns whose pool may still change or must follow a change, by id, at most `limit`, above the id
     * `after` (exclusive).
     */
    live: (limit: number, after = ""): Promise<CampaignDoc[]> =>
      collection
        .find({
          $or: [{ state: { $in: LIVE } }, { settling: true }, UNFINISHED],
          _id: { $gt: after },
          ...STANDING,
        })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** Campaigns that sold out and whose end had come at `now`, soonest end first, at most `limit`. */
    soldOutAndOver: (now: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: "SOLD_OUT", endsAt: { $lte: now }, ...STANDING })
        .sort({ endsAt: 1 })
        .limit(limit)
        .toArray(),

    /** Campaigns that start after one instant and until another, soonest first, at most `limit`. */
    startingBetween: (after: Date, until: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: { $in: TO_OPEN }, startsAt: { $gt: after, $lte: until }, ...STANDING })
        .sort({ startsAt: 1 })
        .limit(limit)
        .toArray(),

    /**
     * The campaign with the soonest start that waits for codes, has no lease, no waiting change, and is none
     * of `except`; null: none.
     */
    nextToGenerate: (except: readonly string[] = []): Promise<CampaignDoc | null> =>
      collection.findOne(
        {
          $or: [{ state: "GENERATING" }, { adding: { $exists: true }, state: { $nin: OVER } }],
          _id: { $nin: [...except] },
          $expr: { $and: [isOver("$lease.until"), isOver("$changing.until")] },
          ...STANDING,
        },
        // An absent field sorts first: real campaigns come before rehearsals.
        { sort: { rehearsalOf: 1, startsAt: 1 } },
      ),

    async recordGenerated(id: string, generated: number): Promise<void> {
      await collection.updateOne({ _id: id }, { $max: { generated } });
    },

    /**
     * Records that the pool has followed an end or a cancellation by an operator, and that no claim is under
     * way any more.
     */
    async atRest(id: string): Promise<void> {
      await collection.updateOne({ _id: id }, { $unset: { settling: 1 } });
    },
  };
}
