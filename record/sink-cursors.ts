import { type Collection, type Db, MongoServerError } from "mongodb";
import type { CursorDoc, Failing } from "./event-documents.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type SinkCursors = ReturnType<typeof createSinkCursors>;

/** What the cursors of a sink have counted together; `lastError` and `deliveredAt`: the latest. */
export type CursorTotals = Pick<CursorDoc, "lastError" | "deliveredAt"> & {
  readonly delivered: number;
  readonly failed: number;
};

/** As MongoDB makes them: null, where no cursor has an error, or has delivered anything. */
type Totals = Omit<CursorTotals, "lastError" | "deliveredAt"> & {
  _id: string;
  lastError: CursorDoc["lastError"] | null;
  deliveredAt: Date | null;
};

/** Events were delivered just now. */
const counted = (delivered: number) => ({
  $inc: { delivered },
  $currentDate: { deliveredAt: true } as const,
});

type Place = { readonly n: number; readonly index: number };

/** Whose cursor it is, and the term of the process that moves it. */
export type CursorOf = { readonly key: string; readonly campaignId: string; readonly term: number };

/**
 * How far each sink has got the events of each campaign. A process whose lease of the sink has gone to
 * another one moves no cursor any more: its term is lower.
 */
export function createSinkCursors(db: Db) {
  const collection: Collection<CursorDoc> = db.collection("cursors");

  /** False: a process of a later term has written it. */
  async function write({ key, campaignId, term }: CursorOf, change: object): Promise<boolean> {
    try {
      await collection.updateOne({ _id: `${key}/${campaignId}`, term: { $lte: term } }, change, {
        upsert: true,
      });
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
      throw error;
    }
  }

  return {
    /** All cursors of a sink. */
    ofSink: (key: string): Promise<CursorDoc[]> => collection.find({ key }).toArray(),

    find: (key: string, campaignId: string): Promise<CursorDoc | null> =>
      collection.findOne({ _id: `${key}/${campaignId}` }),

    /**
     * All before this place was delivered, `delivered` events of it just now. `doneRevision`: that is all of
     * the campaign, up to the revision.
     */
    moveOn(of: CursorOf, place: Place, delivered: number, doneRevision?: number): Promise<boolean> {
      const done = doneRevision === undefined ? {} : { doneRevision };
      const { key, campaignId, term } = of;
      return write(of, {
        $set: { key, campaignId, term, n: place.n, index: place.index, ...done },
        $unset: { failing: 1, ...(doneRevision === undefined ? { doneRevision: 1 } : {}) },
        ...(delivered === 0 ? {} : counted(delivered)),
      });
    },

    /** A delivery from this place on has failed, at an instant. */
    fail(of: CursorOf, place: Place, failing: Failing, at: Date): Promise<boolean> {
      const { key, campaignId, term } = of;
      const lastError = { text: failing.error, at };
      const set = { key, campaignId, term, n: place.n, index: place.index, failing, lastError };
      return write(of, { $set: set, $inc: { failed: 1 } });
    },

    /** Events of a campaign were delivered out of their turn: a dead letter was replayed. */
    async countReplayed(key: string, campaignId: string, delivered: number): Promise<void> {
      await collection.updateOne({ _id: `${key}/${campaignId}` }, counted(delivered));
    },

    /** What all cursors of some sinks have counted, by the key of the sink. */
    async totals(keys: readonly string[]): Promise<Map<string, CursorTotals>> {
      const found = await collection
        .aggregate<Totals>([
          { $match: { key: { $in: [...keys] } } },
          // Of the last error in time: the first in this order.
          { $sort: { "lastError.at": -1 } },
          {
            $group: {
              _id: "$key",
              delivered: { $sum: "$delivered" },
              failed: { $sum: "$failed" },
              lastError: { $first: "$lastError" },
              deliveredAt: { $max: "$deliveredAt" },
            },
          },
        ])
        .toArray();
      return new Map(
        found.map(({ _id, delivered, failed, lastError, deliveredAt }) => [
          _id,
          { delivered, failed, ...(lastError ? { lastError } : {}), ...(deliveredAt ? { deliveredAt } : {}) },
        ]),
      );
    },

    /**
     * The cursors of some sinks that are not known to be at the end of their campaign, or are of one of these
     * campaigns; at most `limit`.
     */
    open: (keys: readonly string[], campaignIds: readonly string[], limit: number): Promise<CursorDoc[]> =>
      collection
        .find({
          key: { $in: [...keys] },
          $or: [{ doneRevision: { $exists: false } }, { campaignId: { $in: [...campaignIds] } }],
        })
        .limit(limit)
        .toArray(),

    async removeOf(key: string): Promise<void> {
      await collection.deleteMany({ key });
    },
  };
}
