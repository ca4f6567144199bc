import { type Collection, type Db, MongoServerError } from "mongodb";
import { ERASED_SHAPE, SHAPE_MAX, UNDERSTOOD, understood } from "../runtime/stored-shape.ts";
import { REHEARSALS_FROM } from "./campaign-id.ts";
import type { CampaignDoc, RecordedState } from "./documents.ts";
import { createLeases, isOver } from "./leases.ts";
import { createSteps, OVER } from "./steps.ts";
import { STANDING } from "./still-exists.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

/** What is read of a campaign that is over. */
export type OverCampaign = Pick<CampaignDoc, "_id" | "state" | "revision" | "settling">;

/** A campaign with erased users. */
export type ErasedCampaign = Required<Pick<CampaignDoc, "_id" | "erasure">>;

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
     * @throws NewerShape where this program does not understand that one
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
        return understood(earlier);
      }
    },

    /** How many codes all campaigns have or will have, by their format. */
    async totalsByFormat(): Promise<ReadonlyMap<string, number>> {
      const sums = await collection
        .aggregate<{ _id: string; total: number }>([
          {
            $group: {
              _id: "$codeFormat",
              total: { $sum: { $add: ["$total", { $ifNull: ["$adding.count", 0] }] } },
            },
          },
        ])
        .toArray();
      return new Map(sums.map(({ _id, total }) => [_id, total]));
    },

    /** Every code format that a campaign has. */
    formatsInUse: (): Promise<string[]> => collection.distinct("codeFormat"),

    /** @throws NewerShape */
    find: async (id: string): Promise<CampaignDoc | null> =>
      understood(await collection.findOne({ _id: id, ...STANDING })),

    /** @throws NewerShape */
    findByRequest: async (requestId: string): Promise<CampaignDoc | null> =>
      understood(await collection.findOne({ requestId })),

    /**
     * Newest first, from below the id `before` (exclusive; empty: from the newest); with rehearsals, these
     * first. Only those with all of the metadata, and of the series (empty: any). Without those of a newer
     * shape.
     */
    list: (
      before: string,
      limit: number,
      withRehearsals = false,
      metadata: readonly string[] = [],
      seriesId = "",
    ): Promise<CampaignDoc[]> =>
      collection
        .find({
          ...(metadata.length === 0 ? {} : { metadata: { $all: [...metadata] } }),
          ...(seriesId === "" ? {} : { seriesId }),
          _id: { $lt: before !== "" ? before : withRehearsals ? AFTER_ALL : REHEARSALS_FROM },
          ...STANDING,
          ...UNDERSTOOD,
        })
        .sort({ _id: -1 })
        .limit(limit)
        .toArray(),

    /**
     * Campaigns whose pool may still change or must follow a change, by id, at most `limit`, above the id
     * `after` (exclusive); and those of a newer shape, of which nothing but that is known.
     */
    live: (limit: number, after = ""): Promise<CampaignDoc[]> =>
      collection
        .find({
          $or: [{ state: { $in: LIVE } }, { settling: true }, UNFINISHED, { shape: { $gt: SHAPE_MAX } }],
          _id: { $gt: after },
          ...STANDING,
        })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** Real campaigns that are over or sold out, by id, at most `limit`, above the id `after` (exclusive). */
    overPage: (after: string, limit: number): Promise<OverCampaign[]> =>
      collection
        .find<OverCampaign>(
          {
            state: { $in: ["SOLD_OUT", "ENDED", "CANCELLED"] },
            ...{ _id: { $gt: after, $lt: REHEARSALS_FROM }, ...UNDERSTOOD },
          },
          { projection: { state: 1, revision: 1, settling: 1 } },
        )
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** Campaigns that sold out and whose end had come at `now`, soonest end first, at most `limit`. */
    soldOutAndOver: (now: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: "SOLD_OUT", endsAt: { $lte: now }, ...STANDING, ...UNDERSTOOD })
        .sort({ endsAt: 1 })
        .limit(limit)
        .toArray(),

    /** Campaigns that start after one instant and until another, soonest first, at most `limit`. */
    startingBetween: (after: Date, until: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: { $in: TO_OPEN }, startsAt: { $gt: after, $lte: until }, ...STANDING, ...UNDERSTOOD })
        .sort({ startsAt: 1 })
        .limit(limit)
        .toArray(),

    /** Campaigns whose start had come at `now` although their codes are not made, latest start first. */
    startedUnmade: (now: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: "GENERATING", startsAt: { $lte: now }, ...STANDING, ...UNDERSTOOD })
        .sort({ startsAt: -1 })
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
          ...UNDERSTOOD,
        },
        // An absent field sorts first: real campaigns come before rehearsals.
        { sort: { rehearsalOf: 1, startsAt: 1 } },
      ),

    /**
     * Campaigns whose users were erased at `since` or later, by that instant and id, at most `limit`, after
     * `after` (undefined: from the first).
     */
    erasedSince: (since: Date, after: ErasedCampaign | undefined, limit: number): Promise<ErasedCampaign[]> =>
      collection
        .find<ErasedCampaign>(
          {
            "erasure.at": { $gte: after?.erasure.at ?? since },
            ...(after === undefined
              ? {}
              : { $or: [{ "erasure.at": { $gt: after.erasure.at } }, { _id: { $gt: after._id } }] }),
          },
          { projection: { erasure: 1 } },
        )
        .sort({ "erasure.at": 1, _id: 1 })
        .limit(limit)
        .toArray(),

    /**
     * Marks a campaign as one with erased users, and dates its last erasure. False: there is no such
     * campaign, or it has users that were erased under another key.
     */
    async markErased(id: string, key: string): Promise<boolean> {
      const result = await collection.updateOne(
        { _id: id, ...UNDERSTOOD, ...STANDING, "erasure.key": { $in: [key, null as unknown as string] } },
        [{ $set: { shape: { $max: ["$shape", ERASED_SHAPE] }, erasure: { key, at: "$$NOW" } } }],
      );
      return result.matchedCount === 1;
    },

    /** All users of the campaign are erased, which had so many coupons then. */
    async forgotUsers(id: string, total: number): Promise<void> {
      await collection.updateOne({ _id: id }, { $set: { forgotUsersOf: total } });
    },

    /**
     * Campaigns that are over and whose users are to be erased so many days after that, by id, at most
     * `limit`, above the id `after` (exclusive).
     */
    toForget: (after: string, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({
          forgetUsersAfterDays: { $gt: 0 },
          state: { $in: ["SOLD_OUT", "ENDED", "CANCELLED"] },
          $expr: { $ne: ["$forgotUsersOf", "$total"] },
          ...{ _id: { $gt: after, $lt: REHEARSALS_FROM }, ...UNDERSTOOD },
        })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),

    /** Records that the campaign is committed to all codes below an ordinal. */
    async recordCommitted(id: string, committed: number, commitment: NonNullable<CampaignDoc["commitment"]>) {
      const isNewer = { $or: [{ committed: { $exists: false } }, { committed: { $lt: committed } }] };
      await collection.updateOne({ _id: id, ...isNewer }, { $set: { committed, commitment } });
    },

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
