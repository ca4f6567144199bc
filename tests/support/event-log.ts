import { expect } from "chai";
import type { Db } from "mongodb";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import type { EventEntry } from "../../record/event-documents.ts";

export function readLog(db: Db, campaignId: string): Promise<EventEntry[]> {
  return db.collection<EventEntry>("events").find({ campaignId }).sort({ n: 1 }).toArray();
}

/**
 * Expects that a log is a chain from 1 on, that each issuance of its campaign is in it exactly once, in issue
 * order but for late ones, and each revision of the history exactly once. Returns it in words: `0-2` for
 * revisions, `1:5-9` for coupons of a generation, with `late` before them where they are.
 */
export async function expectExactLog(db: Db, campaignId: string): Promise<string> {
  const log = await readLog(db, campaignId);
  expect(log.map(({ n }) => n)).to.deep.equal(log.map((_, i) => i + 1));
  expect(log.map(({ _id }) => _id)).to.deep.equal(log.map(({ _id }) => _id).sort());
  const issuances = await db
    .collection<IssuanceDoc>("issuances")
    .find({ campaignId })
    .sort({ generation: 1, seq: 1 })
    .toArray();
  const placeOf = ({ generation, seq }: { generation: number; seq: number }) => generation * 1e6 + seq;
  const ordered: number[] = [];
  const late: number[] = [];
  const revisions: number[] = [];
  let issued = 0;
  for (const entry of log) {
    if (entry.kind === "changes") {
      for (let revision = entry.from; revision <= entry.to; revision++) revisions.push(revision);
      expect(entry.head.revision).to.equal(entry.to);
    } else
      for (const { generation, first, last } of entry.runs)
        for (let seq = first; seq <= last; seq++) {
          issued++;
          (entry.kind === "late" ? late : ordered).push(placeOf({ generation, seq }));
        }
    expect(entry.head.issued, `issued after entry ${entry.n}`).to.equal(issued);
  }
  expect(ordered, "in issue order").to.deep.equal([...ordered].sort((a, b) => a - b));
  expect([...ordered, ...late].sort((a, b) => a - b)).to.deep.equal(issuances.map(placeOf));
  const history = await db.collection("history").find({ campaignId }).sort({ revision: 1 }).toArray();
  const campaign = await db.collection<CampaignDoc>("campaigns").findOne({ _id: campaignId });
  const made = new Set([...history, ...(campaign?.outbox ?? [])].map((entry) => Number(entry["revision"])));
  expect(revisions).to.deep.equal([...made].sort((a, b) => a - b));
  return log.map(inWords).join(" ");
}

function inWords(entry: EventEntry): string {
  if (entry.kind === "changes")
    return entry.from === entry.to ? `${entry.from}` : `${entry.from}-${entry.to}`;
  const runs = entry.runs.map(({ generation, first, last }) => `${generation}:${first}-${last}`).join(",");
  return entry.kind === "late" ? `late ${runs}` : runs;
}
