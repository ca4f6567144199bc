import type { Collection, Document } from "mongodb";
import type { Asked, CampaignDoc, CampaignSettings, HistoryVerb, RecordedState } from "./documents.ts";
import { historyId, settingsOf } from "./history.ts";

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

/** States that nothing leads out of. */
export const OVER: RecordedState[] = ["ENDED", "CANCELLED"];

/** Steps of a campaign from state to state: each in one update that also writes its entry for the history. */
export function createSteps(collection: Collection<CampaignDoc>) {
  return {
    /**
     * Moves a campaign on by itself, if it still is in one of `from`, and writes that down. False: it is not,
     * and nothing changed. `openedAt` is written once and never replaced. What is over gets no more coupons:
     * an addition that was under way is dropped.
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
     * One change under the lease of `owner`, of the campaign as it was `judged`, together with its entry in
     * the history, and those of the steps that the campaign had made by itself before. Null: the lease has
     * gone to somebody else, or the campaign has changed since; nothing is written then.
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

    /**
     * The codes of the added coupons are all durable: they count from now on. Null: the campaign is over, or
     * not under the lease of `owner` any more.
     */
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
  };
}

/** As an operator's end or cancellation does (see campaign/judge-change.ts). */
const ADDING_DROPPED = {
  dropped: { $ifNull: ["$adding.count", "$dropped", "$$REMOVE"] },
  adding: "$$REMOVE",
};

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
 * A step that nobody judged beforehand: what was before and after is known when it is made. `happenedAt`: an
 * instant, or the field that has it; undefined: when it is written down.
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
