import { randomBytes } from "node:crypto";
import { type Collection, type Db, type Document, MongoServerError } from "mongodb";
import type { SinkDoc, SinkSettings } from "./event-documents.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type Sinks = ReturnType<typeof createSinks>;

/** More are not added: each costs queries a second. */
export const SINKS_MAX = 50;

export type NewSink = Pick<SinkDoc, "_id" | "settings" | "thresholds" | "addedBy"> & {
  readonly campaignId: string | undefined;
  readonly types: string[] | undefined;
  /** From where it gets events. */
  readonly from: "now" | "beginning";
  readonly paused?: true | undefined;
};

/** What an operator may change; undefined: unchanged. `types`: null for all. */
export type SinkChange = {
  readonly settings?: SinkSettings | undefined;
  readonly types?: readonly string[] | null | undefined;
  readonly thresholds?: readonly string[] | undefined;
};

/** `now`: MongoDB's clock when it was read, so that no two clocks are compared. */
export type SeenSink = SinkDoc & { readonly now: Date };

const SEEN = { $set: { now: "$$NOW" } };

/** The receivers of events, as operators set them up. */
export function createSinks(db: Db) {
  const collection: Collection<SinkDoc> = db.collection("sinks");

  /** Null: there is no such sink, or it is not as `where` asks. */
  const change = (name: string, by: string, set: Document, where: Document = {}): Promise<SinkDoc | null> =>
    collection.findOneAndUpdate(
      { _id: name, ...where },
      [{ $set: { ...set, changed: { by: { $literal: by }, at: "$$NOW" } } }],
      { returnDocument: "after" },
    );

  return {
    /** Null: there is a sink of that name. */
    async add({ from, ...given }: NewSink): Promise<SinkDoc | null> {
      const { _id, ...rest } = given;
      const literal = Object.fromEntries(
        Object.entries(rest).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, { $literal: value }]],
        ),
      );
      const key = randomBytes(9).toString("base64url");
      const fields = {
        ...literal,
        key,
        term: 0,
        addedAt: "$$NOW",
        ...(from === "now" ? { since: "$$NOW" } : {}),
      };
      const isNew = { $eq: [{ $type: "$key" }, "missing"] };
      const set = Object.entries(fields).map(([name, value]) => [
        name,
        { $cond: [isNew, value, `$${name}`] },
      ]);
      try {
        const sink = await collection.findOneAndUpdate({ _id }, [{ $set: Object.fromEntries(set) }], {
          ...{ upsert: true, returnDocument: "after" },
        });
        return sink?.key === key ? sink : null;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return null;
        throw error;
      }
    },

    async find(name: string): Promise<SeenSink | null> {
      const [found] = await collection.aggregate<SeenSink>([{ $match: { _id: name } }, SEEN]).toArray();
      return found ?? null;
    },

    /** By name. */
    list: (): Promise<SeenSink[]> =>
      collection.aggregate<SeenSink>([{ $sort: { _id: 1 } }, { $limit: 2 * SINKS_MAX }, SEEN]).toArray(),

    count: (): Promise<number> => collection.countDocuments(),

    /** Null: there is no such sink, or it is paused. */
    pause: (name: string, by: string) => change(name, by, { paused: true }, { paused: { $exists: false } }),

    /** Null: there is no such sink, or it is not paused. */
    resume: (name: string, by: string) =>
      change(name, by, { paused: "$$REMOVE", goneBecause: "$$REMOVE" }, { paused: true }),

    /** Pauses the sink of this key, unless it is paused: its receiver is gone. */
    async retire(key: string, goneBecause: string): Promise<void> {
      await collection.updateOne(
        { key, paused: { $exists: false } },
        { $set: { paused: true, goneBecause } },
      );
    },

    /**
     * `replaced`: the settings that the new ones replace. Null: there is no such sink, or others have
     * replaced them meanwhile.
     */
    change(name: string, by: string, { types, thresholds, settings }: SinkChange, replaced: SinkSettings) {
      const set = {
        ...(settings === undefined ? {} : { settings: { $literal: settings } }),
        ...(types === undefined ? {} : { types: types === null ? "$$REMOVE" : { $literal: types } }),
        ...(thresholds === undefined ? {} : { thresholds: { $literal: thresholds } }),
      };
      return change(name, by, set, settings === undefined ? {} : { settings: replaced });
    },

    remove: (name: string): Promise<SinkDoc | null> => collection.findOneAndDelete({ _id: name }),
  };
}
