import type { Collection, Db } from "mongodb";
import type { CampaignDoc, CampaignSettings, HistoryDoc } from "./documents.ts";
import { stillExists } from "./still-exists.ts";
import { insertUnordered } from "./unordered-insert.ts";

export type History = ReturnType<typeof createHistory>;

/** Revisions between two bounds, both exclusive; undefined: no bound. */
type Range = {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
};

/**
 * The changes of campaigns: insert-only. The same update that makes a change writes its entry into the
 * campaign's `outbox`, so that no change is made without its entry. Any process may then move the entry here.
 * Readers read both.
 */
export function createHistory(db: Db) {
  const entries: Collection<HistoryDoc> = db.collection("history");
  const campaigns: Collection<CampaignDoc> = db.collection("campaigns");

  async function outboxOf(campaignId: string): Promise<HistoryDoc[]> {
    const doc = await campaigns.findOne({ _id: campaignId }, { projection: { outbox: 1 } });
    return doc?.outbox ?? [];
  }

  async function readOnce(
    campaignId: string,
    { above, below, newestFirst, limit }: Range,
  ): Promise<HistoryDoc[]> {
    const [least, most] = [above ?? -1, below ?? Number.POSITIVE_INFINITY];
    const direction = newestFirst ? -1 : 1;
    // The outbox is read first: an entry that is moved in between is found twice, not missed.
    const waiting = (await outboxOf(campaignId)).filter(
      ({ revision }) => revision > least && revision < most,
    );
    const written = await entries
      .find({ campaignId, revision: { $gt: least, $lt: most } })
      .sort({ revision: direction })
      .limit(limit)
      .toArray();
    const byId = new Map([...waiting, ...written].map((entry) => [entry._id, entry]));
    return [...byId.values()].sort((a, b) => direction * (a.revision - b.revision)).slice(0, limit);
  }

  /**
   * Reads once more where a revision seems to be missing: entries that are moved together become visible one
   * by one. By the second read, an entry older than one already found is in the outbox or in the collection.
   */
  async function read(campaignId: string, range: Range): Promise<HistoryDoc[]> {
    const found = await readOnce(campaignId, range);
    return isGapless(found, range) ? found : readOnce(campaignId, range);
  }

  return {
    /** Moves the entries of the campaign's outbox; any number of processes may do so at once. */
    async flush(campaignId: string): Promise<void> {
      const waiting = await outboxOf(campaignId);
      if (waiting.length === 0) return;
      await insertUnordered(db, entries.collectionName, waiting);
      if (!(await stillExists(db, campaignId))) return void (await entries.deleteMany({ campaignId }));
      await campaigns.updateOne(
        { _id: campaignId },
        { $pull: { outbox: { _id: { $in: waiting.map(({ _id }) => _id) } } } },
      );
    },

    /** Newest first, below revision `before` (undefined: from the newest), at most `limit`. */
    list: (campaignId: string, before: number | undefined, limit: number): Promise<HistoryDoc[]> =>
      read(campaignId, { below: before, newestFirst: true, limit }),

    /** Oldest first, above revision `after`, at most `limit`. */
    listAfter: (campaignId: string, after: number, limit: number): Promise<HistoryDoc[]> =>
      read(campaignId, { above: after, newestFirst: false, limit }),

    /** The change of this campaign that an earlier call with the request id made. */
    async findByRequest(campaignId: string, requestId: string): Promise<HistoryDoc | null> {
      const waiting = await outboxOf(campaignId);
      return (
        waiting.find((entry) => entry.requestId === requestId) ??
        (await entries.findOne({ campaignId, requestId }))
      );
    },
  };
}

function isGapless(found: readonly HistoryDoc[], { above, below, newestFirst }: Range): boolean {
  const step = newestFirst ? -1 : 1;
  let last = newestFirst ? below : above;
  for (const { revision } of found) {
    if (last !== undefined && revision !== last + step) return false;
    last = revision;
  }
  return true;
}

export function settingsOf(doc: CampaignDoc): CampaignSettings {
  const { state, name, total, startsAt, endsAt, adding, metadata, forgetUsersAfterDays } = doc;
  return {
    state,
    name,
    total,
    ...(adding === undefined ? {} : { adding: adding.count }),
    startsAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(forgetUsersAfterDays === undefined ? {} : { forgetUsersAfterDays }),
  };
}

export function historyId(campaignId: string, revision: number): string {
  return `${campaignId}/${revision}`;
}
