import type { Collection, Document } from "mongodb";
import { UNDERSTOOD } from "../runtime/stored-shape.ts";
import type {
  Asked,
  CampaignDoc,
  CampaignSettings,
  ErasedHere,
  HistoryVerb,
  RecordedState,
} from "./documents.ts";
import { historyId, settingsOf } from "./history.ts";

/** The fields that a change writes; a field that is undefined is removed. */
export type CampaignFields = {
  readonly state?: RecordedState;
  readonly name?: string;
  readonly startsAt?: Date;
  readonly endsAt?: Date | undefined;
  readonly openedAt?: Date;
  readonly adding?: CampaignDoc["adding"] | undefined;
  readonly dropped?: number;
  readonly settling?: true;
  readonly metadata?: CampaignDoc["metadata"] | undefined;
  readonly forgetUsersAfterDays?: number | undefined;
};

/** A step that the campaign has made by itself before a change, and that is not recorded yet. */
export type StepBefore = {
  readonly verb: HistoryVerb;
  readonly to: RecordedState;
  readonly happenedAt?: Date;
};

/** The actor of a change, and its verb. */
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
  /** Only while the campaign has so many coupons: otherwise the step rests on outdated facts. */
  readonly total?: number;
  /** Only while this is the campaign's end. */
  readonly endsAt?: Date;
};

/** States that a campaign never leaves. */
export const OVER: RecordedState[] = ["ENDED", "CANCELLED"];

/** Changes of a campaign: each is one update that also writes its entry for the history. */
export function createSteps(collection: Collection<CampaignDoc>) {
  return {
    /**
     * Moves a campaign to the next state without an operator, if its state is one of `from`, and records
     * that. False: it is not, and nothing changed. `openedAt` is written once and never replaced. A campaign
     * that is over gets no more coupons: an addition that was under way is dropped.
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
          ...UNDERSTOOD,
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
          // An opening and an end are recorded some time after they happened.
          verb === "open" ? "$openedAt" : verb === "end" ? endsAt : undefined,
        ),
      );
      return result.modifiedCount === 1;
    },

    /**
     * Makes one change under the lease of `owner`, if the campaign is still as it was `judged`, together with
     * its entry in the history and those of the steps that the campaign had made by itself before. Null:
     * another process has the lease, or the campaign has changed since; nothing is written then.
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
     * Records that ids of users are about to be replaced, before the first of them is. False: there is no
     * such campaign.
     */
    async recordErasure(id: string, actor: string, erased: ErasedHere): Promise<boolean> {
      const note = { actor: { $literal: actor }, verb: "erase", erased: { $literal: erased } };
      const result = await collection.updateOne(
        { _id: id, ...UNDERSTOOD, erasure: { $exists: true } },
        ownStep(id, note, { "erasure.at": "$$NOW" }),
      );
      return result.matchedCount === 1;
    },

    /**
     * Counts the added coupons in `total`, once all their codes are durable. Null: the campaign is over, or
     * `owner` has lost the lease.
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

/** The same fields as an operator's end or cancellation writes (campaign/judge-change.ts). */
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

/** The fields of an entry whose change was judged before the update. */
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
  metadata: "$metadata",
  forgetUsersAfterDays: "$forgetUsersAfterDays",
} satisfies Record<keyof CampaignSettings, string>;

/**
 * The update for a step that was not judged beforehand: MongoDB takes the settings before and after it from
 * the document. `happenedAt`: an instant, or the field that has it; undefined: the instant of the update.
 */
function ownStep(id: string, note: Document, set: Document, happenedAt?: Date | string): Document[] {
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
