import { type Collection, type Db, type Document, MongoServerError } from "mongodb";
import { REHEARSALS_FROM } from "./campaign-id.ts";
import {
  type Asked,
  type CampaignSettings,
  type HistoryDoc,
  type HistoryVerb,
  historyId,
  settingsOf,
} from "./history.ts";
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
  /** The highest generation known to have been swapped in or turned to: a pool of a lower one is an old Redis that came back. */
  loadedGeneration?: number;
  /** Codes known to be durable, a lower bound: ordinals below it all exist. */
  generated: number;
  createdAt: Date;
  openedAt?: Date;
  requestId?: string;
  /** Who fills or loads this campaign, on MongoDB's clock. A hint that saves work; correctness rests on the indexes. */
  lease?: { owner: string; until: Date };
  /** Who wants the lease for a change next: fills and loads leave it to them for so long, on MongoDB's clock. */
  changing?: { owner: string; until: Date };
  /** Coupons that are being added; their codes have the ordinals from `total` on. */
  adding?: { count: number };
  /** An addition that an end or a cancellation cut off: some of its codes may exist, and count for nothing. */
  dropped?: number;
  /** How many coupons the pool was last loaded for, where coupons were added since it was created. */
  loadedTotal?: number;
  /** Ended or cancelled by an operator, and the pool is not known to be so and at rest yet. */
  settling?: true;
  /** Counts the changes; absent: 0. */
  revision?: number;
  /** Changes that are not in the history yet. */
  outbox?: HistoryDoc[];
  /** The campaign that this one rehearses; only these are ever removed. Never changed. */
  rehearsalOf?: string;
  /** Of a rehearsal: when it is removed by whoever notices, on MongoDB's clock. */
  expiresAt?: Date;
  /** Of a rehearsal: its removal has begun, and nobody finds it any more; on MongoDB's clock. */
  removing?: { since: Date; lookedAt: Date };
};

/** What a change writes; undefined takes a field away. */
export type CampaignFields = {
  readonly state?: RecordedState;
  readonly name?: string;
  readonly startsAt?: Date;
  readonly endsAt?: Date | undefined;
  readonly openedAt?: Date;
  readonly adding?: CampaignDoc["adding"] | undefined;
  readonly dropped?: number;
  readonly settling?: true;
};

/** A step that the campaign has made by itself and that the record does not have yet when a change comes. */
export type StepBefore = {
  readonly verb: HistoryVerb;
  readonly to: RecordedState;
  readonly happenedAt?: Date;
};

/** Who makes a change, and by which verb. */
export type ChangeNote = {
  readonly actor: string;
  readonly verb: HistoryVerb;
  readonly requestId?: string | undefined;
  /** Kept with the requestId. */
  readonly asked?: Asked;
};

/** A step that the service makes by itself. */
export type OwnStep = {
  readonly by: "scheduler" | "generator";
  readonly verb: HistoryVerb;
  readonly openedAt?: Date;
  /** Only while the campaign has so many coupons: what was seen of it is otherwise out of date. */
  readonly total?: number;
  /** Only while this is its end. */
  readonly endsAt?: Date;
};

export type Campaigns = ReturnType<typeof createCampaigns>;

/** States in which the pool may still change. */
const LIVE: RecordedState[] = ["SCHEDULED", "OPEN", "PAUSED"];

/** Sold out, and a change or a load was begun since the pool was last known to be what the record says. */
const UNFINISHED = {
  state: "SOLD_OUT",
  $expr: { $gt: ["$generation", { $ifNull: ["$loadedGeneration", 0] }] },
} as const;

/** States that nothing leads out of. */
const OVER: RecordedState[] = ["ENDED", "CANCELLED"];

/** States from which the start may still open it, a paused one if it is resumed. */
const TO_OPEN: RecordedState[] = ["GENERATING", "SCHEDULED", "PAUSED"];

/** Above every id. */
const AFTER_ALL = "Z";

/** What a rehearsal that is being removed is not. */
const STANDING = { removing: { $exists: false } } as const;

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

    /** How many codes of these formats all campaigns have or are to have. */
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

    /** Newest first, from below the id `before` (exclusive; empty: from the newest); with rehearsals, these first. */
    list: (before: string, limit: number, withRehearsals = false): Promise<CampaignDoc[]> =>
      collection
        .find({
          _id: { $lt: before !== "" ? before : withRehearsals ? AFTER_ALL : REHEARSALS_FROM },
          ...STANDING,
        })
        .sort({ _id: -1 })
        .limit(limit)
        .toArray(),

    /** Campaigns whose pool may still change or is to follow, by id, at most `limit`, above the id `after` (exclusive). */
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

    /** Campaigns that are to open after one instant and until another, soonest first, at most `limit`. */
    startingBetween: (after: Date, until: Date, limit: number): Promise<CampaignDoc[]> =>
      collection
        .find({ state: { $in: TO_OPEN }, startsAt: { $gt: after, $lte: until }, ...STANDING })
        .sort({ startsAt: 1 })
        .limit(limit)
        .toArray(),

    /** A campaign that waits for codes, that nobody works on or wants to change and that is none of `except`, soonest start first. */
    nextToGenerate: (except: readonly string[] = []): Promise<CampaignDoc | null> =>
      collection.findOne(
        {
          $or: [{ state: "GENERATING" }, { adding: { $exists: true }, state: { $nin: OVER } }],
          _id: { $nin: [...except] },
          $expr: { $and: [isOver("$lease.until"), isOver("$changing.until")] },
          ...STANDING,
        },
        // What is absent comes first: no campaign waits for a rehearsal.
        { sort: { rehearsalOf: 1, startsAt: 1 } },
      ),

    /**
     * Takes the campaign's lease for `leaseMs` unless somebody else holds it or is to have it for a change; null then.
     * `raiseGeneration`: the same step hands out the next generation.
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
          ...STANDING,
          $expr: {
            $and: [
              { $or: [isOver("$lease.until"), { $eq: ["$lease.owner", owner] }] },
              { $or: [isOver("$changing.until"), { $eq: ["$changing.owner", owner] }] },
            ],
          },
        },
        [
          {
            $set: {
              lease: { owner, until: { $add: ["$$NOW", leaseMs] } },
              generation: { $add: ["$generation", raiseGeneration ? 1 : 0] },
              // Whoever had a ticket has the lease now.
              changing: "$$REMOVE",
            },
          },
        ],
        { returnDocument: "after" },
      ),

    /** Asks for the lease: for `ticketMs` nobody takes it but `owner`. Changes nothing while somebody else has asked. */
    async askForLease(id: string, owner: string, ticketMs: number): Promise<void> {
      await collection.updateOne(
        {
          _id: id,
          $expr: { $or: [isOver("$changing.until"), { $eq: ["$changing.owner", owner] }] },
        },
        [{ $set: { changing: { owner, until: { $add: ["$$NOW", ticketMs] } } } }],
      );
    },

    async withdrawAsking(id: string, owner: string): Promise<void> {
      await collection.updateOne({ _id: id, "changing.owner": owner }, { $unset: { changing: 1 } });
    },

    /** Extends a lease that is still ours. False: it is not. */
    async renewLease(id: string, owner: string, leaseMs: number): Promise<boolean> {
      const result = await collection.updateOne({ _id: id, "lease.owner": owner }, [
        { $set: { "lease.until": { $add: ["$$NOW", leaseMs] } } },
      ]);
      return result.matchedCount === 1;
    },

    /** `swapped`: what was swapped in, or turned to, under the lease, if anything. */
    async dropLease(
      id: string,
      owner: string,
      swapped: { readonly loadedGeneration?: number; readonly loadedTotal?: number } = {},
    ): Promise<void> {
      const most = Object.keys(swapped).length === 0 ? {} : { $max: swapped };
      await collection.updateOne({ _id: id, "lease.owner": owner }, { $unset: { lease: 1 }, ...most });
    },

    async recordGenerated(id: string, generated: number): Promise<void> {
      await collection.updateOne({ _id: id }, { $max: { generated } });
    },

    /**
     * Moves a campaign on by itself, if it still is in one of `from`, and writes that down. False: it is not, and nothing changed.
     * `openedAt` is written once and never replaced. What is over gets no more coupons: an addition that was under way is dropped.
     */
    async advance(
      id: string,
      from: readonly RecordedState[],
      to: RecordedState,
      { by, verb, openedAt, total, endsAt }: OwnStep,
    ): Promise<boolean> {
      const result = await collection.updateOne(
        {
          _id: id,
          state: { $in: [...from] },
          ...(total === undefined ? {} : { total }),
          ...(endsAt === undefined ? {} : { endsAt }),
        },
        ownStep(
          id,
          { actor: by, verb },
          {
            state: to,
            ...(openedAt === undefined ? {} : { openedAt: { $ifNull: ["$openedAt", openedAt] } }),
            ...(OVER.includes(to) ? ADDING_DROPPED : {}),
          },
          // An opening is written down after it, and so is an end.
          verb === "open" ? "$openedAt" : verb === "end" ? endsAt : undefined,
        ),
      );
      return result.modifiedCount === 1;
    },

    /**
     * One change under the lease of `owner`, of the campaign as it was `judged`, together with its entry in the history, and those of
     * the steps that the campaign had made by itself before. Null: the lease has gone to somebody else, or the campaign has changed
     * since; nothing is written then.
     */
    change(
      judged: CampaignDoc,
      owner: string,
      fields: CampaignFields,
      note: ChangeNote,
      stepsBefore: readonly StepBefore[] = [],
    ): Promise<CampaignDoc | null> {
      const { _id, revision = 0 } = judged;
      const entries: Document[] = [];
      let standing = judged;
      for (const { verb, to, happenedAt } of stepsBefore) {
        const next = { ...standing, state: to };
        entries.push({
          ...entryOf(_id, revision + entries.length + 1, standing, next),
          ...{ actor: "server", verb },
          ...(happenedAt === undefined ? {} : { happenedAt }),
        });
        standing = next;
      }
      const after: CampaignDoc = { ...standing };
      const set: Document = {};
      const unset: string[] = [];
      for (const [name, value] of Object.entries(fields)) {
        if (value === undefined) unset.push(name);
        else set[name] = { $literal: value };
        Object.assign(after, { [name]: value });
      }
      entries.push({
        ...entryOf(_id, revision + entries.length + 1, standing, after),
        ...{ actor: { $literal: note.actor }, verb: note.verb },
        ...(note.requestId === undefined
          ? {}
          : { requestId: { $literal: note.requestId }, asked: { $literal: note.asked ?? {} } }),
      });
      return collection.findOneAndUpdate(
        { _id, "lease.owner": owner, revision: revision === 0 ? { $in: [0, null] } : revision } as object,
        [
          { $set: { ...set, revision: revision + entries.length, outbox: withEntries(entries) } },
          ...(unset.length === 0 ? [] : [{ $unset: unset }]),
        ],
        { returnDocument: "after" },
      );
    },

    /** The codes of the added coupons are all durable: they count from now on. Null: the campaign is over, or not under the lease of `owner` any more. */
    finishAdding: (id: string, owner: string, count: number): Promise<CampaignDoc | null> =>
      collection.findOneAndUpdate(
        { _id: id, "lease.owner": owner, "adding.count": count, state: { $nin: OVER } },
        [
          ...ownStep(
            id,
            { actor: "generator", verb: "added" },
            {
              total: { $add: ["$total", count] },
              loadedTotal: { $ifNull: ["$loadedTotal", "$total"] },
              adding: "$$REMOVE",
              state: { $cond: [{ $eq: ["$state", "SOLD_OUT"] }, "OPEN", "$state"] },
            },
          ),
        ],
        { returnDocument: "after" },
      ),

    /** The pool of a campaign that an operator ended or cancelled is so, and nothing is under way any more. */
    async settled(id: string): Promise<void> {
      await collection.updateOne({ _id: id }, { $unset: { settling: 1 } });
    },
  };
}

/** As an operator's end or cancellation does (see campaign/judge-change.ts). */
const ADDING_DROPPED = {
  dropped: { $ifNull: ["$adding.count", "$dropped", "$$REMOVE"] },
  adding: "$$REMOVE",
};

const isOver = (until: string) => ({ $lt: [{ $ifNull: [until, new Date(0)] }, "$$NOW"] });

/** The outbox with more entries, dated by MongoDB. */
function withEntries(entries: readonly Document[]): Document {
  return {
    $concatArrays: [{ $ifNull: ["$outbox", []] }, entries.map((entry) => ({ ...entry, at: "$$NOW" }))],
  };
}

/** What every entry of a change has that was judged beforehand. */
function entryOf(id: string, revision: number, before: CampaignDoc, after: CampaignDoc): Document {
  return {
    ...{ _id: historyId(id, revision), campaignId: id, revision },
    before: { $literal: settingsOf(before) },
    after: { $literal: settingsOf(after) },
  };
}

const SETTINGS = {
  state: "$state",
  name: "$name",
  total: "$total",
  adding: "$adding.count",
  startsAt: "$startsAt",
  endsAt: "$endsAt",
} satisfies Record<keyof CampaignSettings, string>;

/**
 * A step that nobody judged beforehand: what was before and after is known when it is made. `happenedAt`: an instant, or the field that
 * has it; undefined: when it is written down.
 */
function ownStep(id: string, note: ChangeNote, set: Document, happenedAt?: Date | string): Document[] {
  return [
    { $set: { revision: { $add: [{ $ifNull: ["$revision", 0] }, 1] }, stepFrom: SETTINGS } },
    { $set: set },
    {
      $set: {
        outbox: withEntries([
          {
            _id: { $concat: [historyId(id, 0).slice(0, -1), { $toString: "$revision" }] },
            campaignId: id,
            revision: "$revision",
            ...note,
            before: "$stepFrom",
            after: SETTINGS,
            ...(happenedAt === undefined ? {} : { happenedAt }),
          },
        ]),
      },
    },
    { $unset: "stepFrom" },
  ];
}
