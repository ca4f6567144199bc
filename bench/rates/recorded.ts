import { MongoClient } from "mongodb";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import { orAborted } from "../releases.ts";
import type { Ground } from "./ground.ts";

const BATCH = 10_000;
const LAST_SYLLABLES = 4;
/** The range of Hangul syllables in Unicode, from 가 on. */
const [FIRST_SYLLABLE, SYLLABLES] = [0xac00, 11_172];

/**
 * Writes a campaign that was sold out long ago, with `total` issuances, directly into MongoDB: to issue a
 * million would take minutes of each run, and for such a campaign GetCampaign and ExportCoupons read nothing
 * else. Returns its id, and its codes in issue order.
 */
export async function recordSoldOut(
  ground: Ground,
  total: number,
  signal: AbortSignal,
): Promise<{ readonly campaignId: string; readonly codeAt: (seq: number) => string }> {
  const atMs = Date.now() - 3_600_000;
  const campaignId = newCampaignId(Date.now());
  const codeAt = (seq: number) => codeOf(total, seq);
  const client = new MongoClient(ground.mongodb.url, { writeConcern: { w: 1 } });
  try {
    const db = client.db(ground.mongodb.database);
    for (let first = 1; first <= total; first += BATCH) {
      const docs = Array.from({ length: Math.min(BATCH, total - first + 1) }, (_, index): IssuanceDoc => {
        const seq = first + index;
        const claimKey = `user-${String(seq).padStart(7, "0")}`;
        return { _id: codeAt(seq), campaignId, claimKey, generation: 1, seq, issuedAt: new Date(atMs + seq) };
      });
      await orAborted(db.collection<IssuanceDoc>("issuances").insertMany(docs, { ordered: false }), signal);
    }
    const campaign: CampaignDoc = {
      ...{ _id: campaignId, name: "recorded", total, onePerUser: true, codeFormat: "가가가가가가0000" },
      ...{ state: "SOLD_OUT", generation: 1, loadedGeneration: 1, generated: total },
      ...{ startsAt: new Date(atMs), createdAt: new Date(atMs), openedAt: new Date(atMs) },
    };
    await db.collection<CampaignDoc>("campaigns").insertOne(campaign);
  } finally {
    await client.close();
  }
  return { campaignId, codeAt };
}

/** As long as a real code: six syllables, of which two depend on the campaign's size, and four digits. */
function codeOf(total: number, seq: number): string {
  const syllable = (index: number) => String.fromCharCode(FIRST_SYLLABLE + (index % SYLLABLES));
  const high = Math.floor(seq / 10_000);
  const head = syllable(total) + syllable(Math.floor(total / SYLLABLES));
  const tail = Array.from({ length: LAST_SYLLABLES }, (_, place) => syllable(high * (place + 1)));
  return `${head}${tail.join("")}${String(seq % 10_000).padStart(4, "0")}`;
}
