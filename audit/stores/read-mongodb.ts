import { type Db, MongoClient } from "mongodb";
import type { CampaignRecord, Issuance } from "../snapshot.ts";

type CampaignDocument = {
  _id: string;
  total: number;
  startsAt: Date;
  endsAt?: Date;
  openedAt?: Date;
  onePerUser: boolean;
  state: string;
  generation: number;
};
type CouponDocument = { _id: string; campaignId: string; ordinal: number };
type IssuanceDocument = {
  _id: string;
  campaignId: string;
  claimKey: string;
  generation: number;
  seq: number;
  issuedAt: Date;
};

const BATCH = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Reads only, and only what a majority holds. */
export async function connectRecord(url: string, database: string): Promise<{ client: MongoClient; db: Db }> {
  const client = new MongoClient(url, {
    appName: "coupon-audit",
    readPreference: "primary",
    readConcern: { level: "majority" },
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
  });
  try {
    await client.connect();
  } catch (error) {
    await client.close(true);
    throw new Error(`the audit cannot reach MongoDB within ${CONNECT_TIMEOUT_MS} ms`, { cause: error });
  }
  return { client, db: client.db(database) };
}

export async function readCampaign(db: Db, campaignId: string): Promise<CampaignRecord | undefined> {
  const doc = await db.collection<CampaignDocument>("campaigns").findOne({ _id: campaignId });
  if (doc === null) return undefined;
  return {
    id: doc._id,
    total: doc.total,
    startsAtMs: doc.startsAt.getTime(),
    endsAtMs: doc.endsAt?.getTime(),
    openedAtMs: doc.openedAt?.getTime(),
    onePerUser: doc.onePerUser,
    state: doc.state,
    generation: doc.generation,
  };
}

export async function readCodes(db: Db, campaignId: string): Promise<string[]> {
  const codes: string[] = [];
  const cursor = db
    .collection<CouponDocument>("coupons")
    .find({ campaignId }, { projection: { _id: 1 }, batchSize: BATCH });
  for await (const doc of cursor) codes.push(doc._id);
  return codes;
}

export async function readIssuances(db: Db, campaignId: string): Promise<Issuance[]> {
  const issuances: Issuance[] = [];
  const cursor = db
    .collection<IssuanceDocument>("issuances")
    .find(
      { campaignId },
      { projection: { claimKey: 1, generation: 1, seq: 1, issuedAt: 1 }, batchSize: BATCH },
    );
  for await (const doc of cursor) {
    issuances.push({
      code: doc._id,
      claimKey: doc.claimKey,
      generation: doc.generation,
      seq: doc.seq,
      issuedAtMs: doc.issuedAt.getTime(),
    });
  }
  return issuances;
}
