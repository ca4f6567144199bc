import type { Db } from "mongodb";
import type { RedemptionRecord } from "../redemptions.ts";
import { misfitOf, type Shape } from "./document-shape.ts";
import { pagesOf } from "./read-mongodb.ts";

type Use = { key: string; state: string; reservedAt?: Date; until?: Date; endedAt?: Date };
type Found = {
  _id: string;
  uses: Use[];
  voidChanges?: { at: Date; voided: boolean }[];
  issued: { campaignId: string; issuedAt: Date }[];
  now: Date;
};

const USE: Shape = {
  ...{ key: "text", state: "text", reservedAt: "date or nothing" },
  ...{ until: "date or nothing", endedAt: "date or nothing" },
};
const CHANGE: Shape = { at: "date", voided: "yes or no" };

/** The redemptions of the campaign's codes, each with its issuance: a redeemed code has one by then. */
export async function* redemptionPages(
  db: Db,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly RedemptionRecord[]> {
  const found = db
    .collection<{ _id: string }>("redemptions")
    .aggregate<Found>(
      [
        { $match: { campaignId } },
        { $sort: { _id: 1 } },
        { $lookup: { from: "issuances", localField: "_id", foreignField: "_id", as: "issued" } },
        { $addFields: { now: "$$NOW" } },
      ],
      { batchSize: size, hint: "of_campaign" },
    );
  for await (const page of pagesOf(found, size)) yield page.map((doc) => recordOf(doc, campaignId));
}

function recordOf({ _id, uses, voidChanges = [], issued, now }: Found, campaignId: string): RedemptionRecord {
  const ours = issued.find((issuance) => issuance.campaignId === campaignId);
  const known = { code: String(_id), issuedAtMs: ours?.issuedAt.getTime(), readAtMs: now.getTime() };
  const misfit = misfitIn(uses, voidChanges);
  if (misfit !== undefined) return { ...known, uses: [], voids: [], misfit };
  return {
    ...known,
    uses: uses.map(({ key, state, reservedAt, until, endedAt }) => ({
      ...{ key, state, reservedAtMs: reservedAt?.getTime() },
      ...{ untilMs: until?.getTime(), endedAtMs: endedAt?.getTime() },
    })),
    voids: voidChanges.map(({ at, voided }) => ({ atMs: at.getTime(), voided })),
  };
}

function misfitIn(uses: unknown, changes: unknown): string | undefined {
  if (!Array.isArray(uses)) return "uses is no list";
  if (!Array.isArray(changes)) return "voidChanges is no list";
  const wrong = (items: readonly unknown[], shape: Shape) =>
    items.map((item) => misfitOf(Object(item), shape)).find((misfit) => misfit !== undefined);
  return wrong(uses, USE) ?? wrong(changes, CHANGE);
}
