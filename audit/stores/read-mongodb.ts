import { type Db, MongoClient, MongoServerError, ReadConcern } from "mongodb";
import { StoreDenial } from "../../runtime/store-denial.ts";
import { StoreUnavailable } from "../../runtime/store-unavailable.ts";
import { isNewer } from "../../runtime/stored-shape.ts";
import { type Change, pastOf } from "../changes.ts";
import type { CampaignRecord, Issuance } from "../snapshot.ts";
import {
  couponNamed,
  demandShape,
  ISSUANCE,
  MisshapenDocument,
  misfitOf,
  type Shape,
} from "./document-shape.ts";
import { type RulesDocument, rulesOf } from "./redemption-rules.ts";
import { demandUnsharded } from "./unsharded.ts";

type CampaignDocument = {
  _id: string;
  shape?: number;
  total: number;
  /** How many more codes are being made. */
  adding?: { count: number };
  /** How many more were being made when it was over. */
  dropped?: number;
  /** An operator ended or cancelled it, and its pool is not known to have followed. */
  settling?: true;
  startsAt: Date;
  endsAt?: Date;
  openedAt?: Date;
  onePerUser: boolean;
  maxPerUser?: number;
  state: string;
  generation: number;
  /** It has erased users. */
  erasure?: { key: string };
  redemption?: RulesDocument;
  /** Changes on their way to the history. */
  outbox?: ChangeDocument[];
};
type ChangeDocument = {
  campaignId: string;
  revision: number;
  at: Date;
  verb?: string;
  before?: { total: number; startsAt: Date };
  after: { total: number; startsAt: Date };
};
type CouponDocument = { _id: string; campaignId: string; ordinal: number };
type IssuanceDocument = {
  _id: string;
  campaignId: string;
  claimKey: string;
  userId?: string;
  generation: number;
  seq: number;
  issuedAt: Date;
};

const CAMPAIGN: Shape = {
  ...{ total: "whole number", generation: "whole number", state: "text", onePerUser: "yes or no" },
  ...{ startsAt: "date", endsAt: "date or nothing", openedAt: "date or nothing" },
  ...{ dropped: "whole number or nothing", maxPerUser: "whole number or nothing" },
};
const CHANGE: Shape = { revision: "whole number", at: "date", verb: "text or nothing" };
const SETTINGS: Shape = { total: "whole number", startsAt: "date" };
const COUPON: Shape = { _id: "text", ordinal: "whole number" };

/** MongoDB's error codes: Unauthorized, AuthenticationFailed, and Atlas' own. */
const DENIED = [13, 18, 8000];
/** Generous: an audit is in no hurry, and may run on a machine that is at its limit. */
const CONNECT_TIMEOUT_MS = 15_000;
const SOCKET_TIMEOUT_MS = 10_000;
/** One for the reading, one for other queries meanwhile: claims need the rest. */
const CONNECTIONS_MAX = 2;

/**
 * Reads only, and only what a majority holds.
 * @throws StoreUnavailable, or StoreDenial where MongoDB refuses or a collection is sharded
 */
export async function connectRecord(url: string, database: string): Promise<{ client: MongoClient; db: Db }> {
  const client = new MongoClient(url, {
    appName: "coupon-audit",
    maxPoolSize: CONNECTIONS_MAX,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    socketTimeoutMS: SOCKET_TIMEOUT_MS,
    serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
  });
  try {
    await client.connect();
  } catch (error) {
    await client.close(true);
    if (error instanceof MongoServerError && DENIED.includes(Number(error.code)))
      throw new StoreDenial(`MongoDB refuses the audit: ${error.message}`, { cause: error });
    throw new StoreUnavailable(`the audit cannot reach MongoDB within ${CONNECT_TIMEOUT_MS} ms`, {
      cause: error,
    });
  }
  // Given here, because options of the URL would win over those of the client.
  const db = client.db(database, { readPreference: "primary", readConcern: new ReadConcern("majority") });
  await demandUnsharded(db).catch(async (error: unknown) => {
    await client.close(true);
    throw error;
  });
  return { client, db };
}

/** @throws MisshapenDocument */
export async function readCampaign(db: Db, campaignId: string): Promise<CampaignRecord | undefined> {
  const doc = await db.collection<CampaignDocument>("campaigns").findOne({ _id: campaignId });
  if (doc === null) return undefined;
  if (isNewer(doc))
    throw new MisshapenDocument(
      `MongoDB: campaigns, ${campaignId}: a newer version has made it (shape ${doc.shape}): audit it with that one`,
    );
  demandShape(doc, CAMPAIGN, `campaigns, ${campaignId}`);
  const { outbox = [] } = doc;
  if (!Array.isArray(outbox))
    throw new MisshapenDocument(`MongoDB: campaigns, ${campaignId}: outbox is no list`);
  if (doc.adding !== undefined)
    demandShape(doc.adding, { count: "whole number" }, `campaigns, ${campaignId}, adding`);
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
    ...(doc.maxPerUser === undefined ? {} : { maxPerUser: doc.maxPerUser }),
    state: doc.state,
    generation: doc.generation,
    ...(doc.erasure === undefined ? {} : { erasure: doc.erasure.key }),
    ...rulesOf(doc.redemption, `campaigns, ${campaignId}`),
  };
}

/**
 * The outbox was read before the history: a change that is moved in between is seen twice, and not missed.
 */
async function changesOf(
  db: Db,
  { _id, outbox = [] }: Pick<CampaignDocument, "_id" | "outbox">,
): Promise<Change[]> {
  const written = await db.collection<ChangeDocument>("history").find({ campaignId: _id }).toArray();
  const settings = ({ total, startsAt }: ChangeDocument["after"]) => ({
    total,
    startsAtMs: startsAt.getTime(),
  });
  return [...outbox, ...written].map((change) => {
    const name = `history of ${_id}, ${String(change?.revision)}`;
    demandShape(change, CHANGE, name);
    const { revision, at, verb, before, after } = change;
    demandShape(after, SETTINGS, `${name}, after`);
    if (before !== undefined) demandShape(before, SETTINGS, `${name}, before`);
    return {
      ...{ revision, atMs: at.getTime(), ...(verb === undefined ? {} : { verb }) },
      ...{ before: before && settings(before), after: settings(after) },
    };
  });
}

/** All changes of the campaign, in any order, some of them maybe twice. @throws MisshapenDocument */
export async function readChanges(db: Db, campaignId: string): Promise<Change[]> {
  const campaigns = db.collection<CampaignDocument>("campaigns");
  const doc = await campaigns.findOne({ _id: campaignId }, { projection: { outbox: 1 } });
  return changesOf(db, { _id: campaignId, ...(doc?.outbox === undefined ? {} : { outbox: doc.outbox }) });
}

/** Every code of the campaign with its ordinal, ascending. @throws MisshapenDocument */
export async function* codePages(
  db: Db,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly CouponDocument[]> {
  const cursor = db
    .collection<CouponDocument>("coupons")
    .find({ campaignId }, { projection: { ordinal: 1 }, sort: { ordinal: 1 }, batchSize: size });
  for await (const page of pagesOf(cursor, size)) {
    for (const doc of page) demandShape(doc, COUPON, couponNamed(doc._id));
    yield page;
  }
}

/**
 * Every durable issuance, in issue order; one of a wrong shape has a `misfit`, and matches no claim.
 */
export async function* issuancePages(
  db: Db,
  campaignId: string,
  size: number,
): AsyncGenerator<readonly Issuance[]> {
  const cursor = db.collection<IssuanceDocument>("issuances").find(
    { campaignId },
    {
      projection: { claimKey: 1, userId: 1, generation: 1, seq: 1, issuedAt: 1 },
      sort: { generation: 1, seq: 1 },
      batchSize: size,
    },
  );
  for await (const page of pagesOf(cursor, size)) {
    yield page.map(issuanceOf);
  }
}

function issuanceOf(doc: IssuanceDocument): Issuance {
  const { _id, claimKey, userId, generation, seq, issuedAt } = doc;
  const misfit = misfitOf(doc, ISSUANCE);
  if (misfit === undefined) {
    const issuance = { code: _id, claimKey, generation, seq, issuedAtMs: issuedAt.getTime() };
    return userId === undefined ? issuance : { ...issuance, userId };
  }
  return {
    ...{ code: String(_id), claimKey: String(claimKey), generation: Number(generation), seq: Number(seq) },
    issuedAtMs: issuedAt instanceof Date ? issuedAt.getTime() : Number.NaN,
    misfit,
  };
}

export async function* pagesOf<T>(documents: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let page: T[] = [];
  for await (const document of documents) {
    page.push(document);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
