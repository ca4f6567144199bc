import type { Db } from "mongodb";
import type { LogFacts, LoggedEntry, LoggedRun, LogPart } from "../event-log.ts";
import { demandShape, misfitOf, type Shape } from "./document-shape.ts";
import { pagesOf } from "./read-mongodb.ts";

type PartDocument = { _id: number; campaignId: string; from: number; to: number };
type FeedDocument = { _id: string; complete?: { revision: number; issued: number } };
type EntryDocument = {
  _id: string;
  n: number;
  kind: string;
  from?: number;
  to?: number;
  runs?: LoggedRun[];
  head: LoggedEntry["head"];
};

const PART: Shape = { _id: "whole number", from: "whole number", to: "whole number" };
const COMPLETE: Shape = { revision: "whole number", issued: "whole number" };
const ENTRY: Shape = { _id: "text", n: "whole number", kind: "text" };
const RANGE: Shape = { from: "whole number", to: "whole number" };
const RUN: Shape = { generation: "whole number", first: "whole number", last: "whole number" };
const HEAD: Shape = {
  ...{ revision: "whole number", generation: "whole number", seq: "whole number" },
  ...{ issued: "whole number", total: "whole number" },
};
const N_DIGITS = 9;
const NO_HEAD = { revision: -1, generation: 0, seq: 0, issued: 0, total: 0 };

/** The parts of the campaign's log in the order of all logs, by their entries. @throws MisshapenDocument */
export async function* partPages(db: Db, campaignId: string, size: number): AsyncGenerator<LogPart[]> {
  const cursor = db
    .collection<PartDocument>("feed_order")
    .find({ campaignId }, { sort: { from: 1 }, batchSize: size });
  for await (const page of pagesOf(cursor, size)) {
    yield page.map((doc) => {
      demandShape(doc, PART, `feed_order, ${String(doc._id)}`);
      return { number: doc._id, from: doc.from, to: doc.to };
    });
  }
}

/** What is on record about the campaign's log, beside the log. @throws MisshapenDocument */
export async function readLogFacts(db: Db, campaignId: string): Promise<LogFacts> {
  const order = db.collection<PartDocument>("feed_order");
  const feed = await db.collection<FeedDocument>("feeds").findOne({ _id: campaignId });
  const complete = feed?.complete;
  if (complete !== undefined) demandShape(complete, COMPLETE, `feeds, ${campaignId}, complete`);
  const [ends] = await order
    .aggregate<{ first: number; last: number }>([
      { $match: { campaignId } },
      { $group: { _id: null, first: { $min: "$_id" }, last: { $max: "$_id" } } },
    ])
    .toArray();
  if (ends === undefined) return { missing: 0, complete };
  const { first, last } = ends;
  const there = await order.countDocuments({ _id: { $gte: first, $lte: last } });
  return { missing: last - first + 1 - there, complete };
}

/** The entries of the campaign's log, by the number in their ids; one of a wrong shape has a `misfit`. */
export async function* entryPages(db: Db, campaignId: string, size: number): AsyncGenerator<LoggedEntry[]> {
  const cursor = db
    .collection<EntryDocument>("events")
    .find({ _id: { $gte: `${campaignId}/`, $lt: `${campaignId}0` } }, { sort: { _id: 1 }, batchSize: size });
  for await (const page of pagesOf(cursor, size)) yield page.map((doc) => entryOf(campaignId, doc));
}

function entryOf(campaignId: string, doc: EntryDocument): LoggedEntry {
  const { _id, kind, head, from = 0, to = 0, runs = [] } = doc;
  const n = Number(_id.slice(campaignId.length + 1)) || 0;
  const misfit = misfitIn(campaignId, doc);
  if (misfit !== undefined) return { n, head: NO_HEAD, kind: "late", runs: [], misfit };
  if (kind === "changes") return { n, head, kind, from, to };
  return { n, head, kind: kind === "late" ? "late" : "issued", runs };
}

function misfitIn(campaignId: string, doc: EntryDocument): string | undefined {
  const found = misfitOf(doc, ENTRY) ?? misfitOf(Object(doc.head), HEAD);
  if (found !== undefined) return found;
  const { _id, n, kind, from = 0, to = 0, runs } = doc;
  if (_id !== `${campaignId}/${String(n).padStart(N_DIGITS, "0")}`) return "n is not the number in its _id";
  if (kind === "changes") return misfitOf(doc, RANGE) ?? (to < from ? "to is below from" : undefined);
  if (kind !== "issued" && kind !== "late") return "kind is an unknown one";
  if (!Array.isArray(runs) || runs.length === 0) return "runs is no list of runs";
  for (const run of runs) {
    const misfit = misfitOf(Object(run), RUN) ?? (run.last < run.first ? "last is below first" : undefined);
    if (misfit !== undefined) return `runs: ${misfit}`;
  }
  return undefined;
}
