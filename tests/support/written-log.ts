import type { Db } from "mongodb";
import type { LoggedEntry, LoggedHead, LoggedRun } from "../../audit/event-log.ts";
import type { CampaignRecord, EventsSide, Issuance } from "../../audit/snapshot.ts";

type LoggedBooks = {
  readonly campaign: CampaignRecord;
  readonly issuances: readonly Issuance[];
  log?: WrittenLog;
};

type WrittenEntry = { n: number; head: LoggedHead } & (
  | { kind: "changes"; from: number; to: number }
  | { kind: "issued" | "late"; runs: LoggedRun[] }
);

/** The event log of written books, as a test may damage it. */
export type WrittenLog = {
  /** The verbs of the campaign's history, by revision. */
  verbs: string[];
  entries: WrittenEntry[];
  /** In the order of all logs. */
  parts: { number: number; from: number; to: number }[];
  complete?: { revision: number; issued: number };
};

type Document = { _id: string };

/** Gives books the log that a reader would have made of them; the last of their coupons, if so, was late. */
export function writeLog(books: LoggedBooks, hasLate = false): WrittenLog {
  const { campaign, issuances } = books;
  const { total, state } = campaign;
  const verbs = ["create", "schedule", "open", ...(state === "SOLD_OUT" ? ["sell-out"] : ["end"])];
  const inOrder = hasLate ? issuances.slice(1) : issuances;
  const runs: LoggedRun[] = inOrder.map(({ generation, seq }) => ({ generation, first: seq, last: seq }));
  const half = Math.ceil(runs.length / 2);
  let head: LoggedHead = { revision: -1, generation: 0, seq: 0, issued: 0, total };
  const entries: WrittenEntry[] = [];
  const change = (from: number, to: number) => {
    head = { ...head, revision: to };
    entries.push({ n: entries.length + 1, kind: "changes", from, to, head });
  };
  const issue = (some: readonly LoggedRun[]) => {
    const { generation = 0, last: seq = 0 } = some.at(-1) ?? {};
    head = { ...head, generation, seq, issued: head.issued + some.length };
    entries.push({ n: entries.length + 1, kind: "issued", runs: joined(some), head });
  };
  change(0, 2);
  issue(runs.slice(0, half));
  issue(runs.slice(half));
  change(3, 3);
  if (hasLate) {
    const [{ generation = 0, seq = 0 } = {}] = issuances;
    head = { ...head, issued: head.issued + 1 };
    entries.push({
      ...{ n: entries.length + 1, kind: "late", head },
      runs: [{ generation, first: seq, last: seq }],
    });
  }
  const parts = [
    { number: 1, from: 1, to: 2 },
    { number: 2, from: 3, to: entries.length },
  ];
  books.log = { verbs, entries, parts, complete: { revision: 3, issued: head.issued } };
  return books.log;
}

function joined(runs: readonly LoggedRun[]): LoggedRun[] {
  const found: { generation: number; first: number; last: number }[] = [];
  for (const run of runs) {
    const before = found.at(-1);
    if (before?.generation === run.generation && before.last + 1 === run.first) before.last = run.last;
    else found.push({ ...run });
  }
  return found;
}

export function eventsOf(campaign: CampaignRecord, log: WrittenLog): EventsSide {
  const { entries, parts, complete, verbs } = log;
  const { total, startsAtMs } = campaign;
  const after = { total, startsAtMs };
  const numbers = parts.map(({ number }) => number);
  const span = Math.max(...numbers) - Math.min(...numbers) + 1;
  return {
    parts: parts.toSorted((a, b) => a.from - b.from),
    log: { missing: span - parts.length, complete },
    entries: entries as readonly LoggedEntry[],
    changes: verbs.map((verb, revision) => ({
      ...{ revision, verb, atMs: startsAtMs, before: revision === 0 ? undefined : after, after },
    })),
  };
}

/** The documents of the history. */
export function changeDocuments({ id, total, startsAtMs }: CampaignRecord, log: WrittenLog): Document[] {
  const after = { state: "OPEN", name: "seeded", total, startsAt: new Date(startsAtMs) };
  return log.verbs.map((verb, revision) => ({
    ...{ _id: `${id}/${revision}`, campaignId: id, revision, actor: "seed", at: new Date(startsAtMs) },
    ...{ verb, ...(revision === 0 ? {} : { before: after }), after },
  }));
}

/** Writes the log as the service does, behind those of other campaigns. */
export async function seedLog(db: Db, campaignId: string, log: WrittenLog): Promise<void> {
  const { entries, parts, complete } = log;
  const order = db.collection<{ _id: number }>("feed_order");
  const last = (await order.findOne({}, { sort: { _id: -1 } }))?._id ?? 0;
  const documents = entries.map((entry) => ({
    ...{ _id: `${campaignId}/${String(entry.n).padStart(9, "0")}`, campaignId, at: new Date() },
    ...entry,
  }));
  await db.collection<Document>("events").insertMany(documents);
  await order.insertMany(parts.map(({ number, from, to }) => ({ _id: last + number, campaignId, from, to })));
  await db
    .collection<Document>("feeds")
    .insertOne({ _id: campaignId, ...(complete === undefined ? {} : { complete }) } as Document);
}
