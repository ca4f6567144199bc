import { type Db, MongoClient } from "mongodb";
import { StoreUnavailable } from "../../runtime/store-unavailable.ts";
import { type Change, pastOf } from "../changes.ts";
import type { CampaignRecord, Issuance } from "../snapshot.ts";

type CampaignDocument = {
  _id: string;
  total: number;
  /** So many more codes are being made. */
  adding?: { count: number };
  /** So many more were being made when it was over. */
  dropped?: number;
  /** An operator ended or cancelled it, and its pool is not known to have followed. */
  settling?: true;
  startsAt: Date;
  endsAt?: Date;
  openedAt?: Date;
  onePerUser: boolean;
  state: string;
  generation: number;
  /** Changes on their way to the history. */
  outbox?: ChangeDocument[];
};
type ChangeDocument = {
  campaignId: string;
  revision: number;
  at: Date;
  before?: { total: number; startsAt: Date };
  after: { total: number; startsAt: Date };
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

const CONNECT_TIMEOUT_MS = 5_000;
const SOCKET_TIMEOUT_MS = 10_000;
/** One for the reading, one for what is asked beside it: claims need the others. */
const CONNECTIONS_MAX = 2;

/** Reads only, and only what a majority holds. @throws StoreUnavailable */
export async function connectRecord(url: string, database: string): Promise<{ client: MongoClient; db: Db }> {
  const client = new MongoClient(url, {
    appName: "coupon-audit",
    readPreference: "primary",
    readConcern: { level: "majority" },
    maxPoolSize: CONNECTIONS_MAX,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    socketTimeoutMS: SOCKET_TIMEOUT_MS,
    serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
  });
  try {
    await client.connect();
  } catch (error) {
    await client.close(true);
    throw new StoreUnavailable(`the audit cannot reach MongoDB within ${CONNECT_TIMEOUT_MS} ms`, {
      cause: error,
    });
  }
  return { client, db: client.db(database) };
}

export async function readCampaign(db: Db, campaignId: string): Promise<CampaignRecord | undefined> {
  const doc = await db.collection<CampaignDocument>("campaigns").findOne({ _id: campaignId });
  if (doc === null) return undefined;
  const more = doc.adding?.count ?? doc.dropped;
  return {
    id: doc._id,
    total: doc.total,
    ...(more === undefined ? {} : { growingTo: doc.total + more }),
    ...pastOf(await changesOf(db, doc)),
    ...(doc.settling === undefined ? {} : { settling: true }),
    startsAtMs: doc.startsAt.getTime(),
    endsAtMs: doc.endsAt?.getTime(),
    openedAtMs: doc.openedAt?.getTime(),
    onePerUser: doc.onePerUser,
    state: doc.state,
    generation: doc.generation,
  };
}

/** What waits in the outbox was read before what is written: a change that moves in between is seen twice, and not missed. */
async function changesOf(db: Db, { _id, outbox = [] }: CampaignDocument): Promise<Change[]> {
  const written = await db.collection<ChangeDocument>("history").find({ campaignId: _id }).toArray();
  const settings = ({ total, startsAt }: ChangeDocument["after"]) => ({
    total,
    startsAtMs: startsAt.getTime(),
  });
  return [...outbox, ...written].map(({ revision, at, before, after }) => ({
    revision,
    atMs: at.getTime(),
    before: before && settings(before),
    after: settings(after),
  }));
}

/** Every code of the campaign with its ordinal, ascending. */
export async function* codePages(
  db: Db,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly CouponDocument[]> {
  const cursor = db
    .collection<CouponDocument>("coupons")
    .find({ campaignId }, { projection: { ordinal: 1 }, sort: { ordinal: 1 }, batchSize: size });
  yield* pagesOf(cursor, size);
}

/** Every durable issuance, in issue order. */
export async function* issuancePages(
  db: Db,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly Issuance[]> {
  const cursor = db.collection<IssuanceDocument>("issuances").find(
    { campaignId },
    {
      projection: { claimKey: 1, generation: 1, seq: 1, issuedAt: 1 },
      sort: { generation: 1, seq: 1 },
      batchSize: size,
    },
  );
  for await (const page of pagesOf(cursor, size)) {
    yield page.map((doc) => ({
      code: doc._id,
      claimKey: doc.claimKey,
      generation: doc.generation,
      seq: doc.seq,
      issuedAtMs: doc.issuedAt.getTime(),
    }));
  }
}

async function* pagesOf<T>(documents: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let page: T[] = [];
  for await (const document of documents) {
    page.push(document);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
