import { type Db, MongoClient, ReadConcern } from "mongodb";
import { withDeadline } from "../runtime/deadline.ts";
import type { StoreMetrics } from "../runtime/store-metrics.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import type { CodeImportDoc } from "./code-import-documents.ts";
import type { CampaignDoc, CouponDoc, HistoryDoc, IssuanceDoc } from "./documents.ts";
import type { CursorDoc, DeadLetterDoc, FeedDoc, FeedOrderDoc } from "./event-documents.ts";
import { ISSUANCE_INDEXES } from "./issuance-indexes.ts";
import { watchMongoPools } from "./mongo-pool-watch.ts";
import { askedOf, mongoTrouble, shardingTrouble } from "./mongo-trouble.ts";
import type { RedemptionDoc } from "./redemption-documents.ts";
import { isMongos, shardedAmong } from "./sharding.ts";

export type MongoOptions = {
  url: string;
  database: string;
  /** How long the first connection may take, in ms. */
  connectWithinMs: number;
  /** How long a single operation may hold its socket, in ms. */
  operationMs: number;
  /** Counts the connections of the driver's pools. */
  metrics?: StoreMetrics;
};

const POOL_MAX = 32;
const CONNECT_TIMEOUT_MS = 2_000;
/**
 * How often the driver checks a MongoDB that was lost. With its default of 10 s, a process may notice a
 * recovery only after that time.
 */
const HEARTBEAT_MS = 1_000;

/**
 * Connects to MongoDB. Every read that decides something and every write that must last is majority; writes
 * are journaled, whatever the URL says. Retryable writes are off: the unique indexes recognise a repeated
 * insert (retryable-insert.ts).
 * @throws UserError when no MongoDB answers within `connectWithinMs`, it refuses the user, or a collection is
 * sharded that must not be
 */
export async function connectMongo(options: MongoOptions): Promise<{ client: MongoClient; db: Db }> {
  let client: MongoClient;
  try {
    client = new MongoClient(options.url, {
      appName: "coupon-issuer",
      retryWrites: false,
      retryReads: true,
      maxPoolSize: POOL_MAX,
      minPoolSize: 2,
      waitQueueTimeoutMS: options.operationMs,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      heartbeatFrequencyMS: HEARTBEAT_MS,
      // Shorter than the deadline, so that the error names the cause and not only the deadline.
      serverSelectionTimeoutMS: Math.min(options.operationMs, options.connectWithinMs * 0.9),
      socketTimeoutMS: options.operationMs * 2,
      ignoreUndefined: true,
    });
  } catch (error) {
    throw new UserError(
      `MONGODB_URL: ${error instanceof Error ? error.message : String(error)}`,
      EXIT.configuration,
    );
  }
  if (options.metrics !== undefined) watchMongoPools(client, POOL_MAX, options.metrics);
  // Not only given to the client, where options of the URL (readConcernLevel, journal) win over these.
  const db = client.db(options.database, {
    readPreference: "primary",
    readConcern: new ReadConcern("majority"),
    writeConcern: { w: "majority", journal: true, wtimeoutMS: options.operationMs },
  });
  try {
    await withDeadline(client.connect(), options.connectWithinMs, "connecting to MongoDB");
    await withDeadline(db.command({ ping: 1 }), options.connectWithinMs, "asking MongoDB");
    await withDeadline(demandUnsharded(client, db), options.connectWithinMs, "asking MongoDB for its shards");
    await withDeadline(ensureIndexes(db), options.connectWithinMs * 6, "making the indexes of MongoDB");
  } catch (error) {
    await client.close(true).catch(() => undefined);
    throw error instanceof UserError ? error : mongoTrouble(error, askedOf(client, options.database));
  }
  return { client, db };
}

/** Asked before the indexes are made: on some shard keys MongoDB refuses those, with another error. */
async function demandUnsharded(client: MongoClient, db: Db): Promise<void> {
  if (!isMongos(await db.command({ hello: 1 }))) return;
  const trouble = shardingTrouble(await shardedAmong(db), askedOf(client, db.databaseName));
  if (trouble !== undefined) throw trouble;
}

/** The unique indexes decide which claim key has which code; without them no process may start. */
async function ensureIndexes(db: Db): Promise<void> {
  await db.collection<CampaignDoc>("campaigns").createIndexes([
    { key: { state: 1, startsAt: 1 }, name: "by_state" },
    {
      key: { requestId: 1 },
      name: "one_per_request",
      unique: true,
      partialFilterExpression: { requestId: { $type: "string" } },
    },
    // Few campaigns at any time: the index holds no others.
    { key: { adding: 1 }, name: "adding", partialFilterExpression: { adding: { $exists: true } } },
    { key: { expiresAt: 1 }, name: "expiring", partialFilterExpression: { expiresAt: { $exists: true } } },
    // A campaign leaves this index when its end has been recorded.
    {
      key: { endsAt: 1 },
      name: "sold_out_before_end",
      partialFilterExpression: { state: "SOLD_OUT", endsAt: { $exists: true } },
    },
    {
      key: { "erasure.at": 1 },
      name: "erased",
      partialFilterExpression: { "erasure.at": { $exists: true } },
    },
    {
      key: { forgetUsersAfterDays: 1 },
      name: "forgetting",
      partialFilterExpression: { forgetUsersAfterDays: { $exists: true } },
    },
    { key: { settling: 1 }, name: "settling", partialFilterExpression: { settling: true } },
    { key: { shape: 1 }, name: "by_shape" },
    { key: { metadata: 1, _id: -1 }, name: "by_metadata" },
    {
      key: { seriesId: 1, _id: -1 },
      name: "by_series",
      partialFilterExpression: { seriesId: { $exists: true } },
    },
  ]);
  await db
    .collection<CouponDoc>("coupons")
    .createIndexes([{ key: { campaignId: 1, ordinal: 1 }, name: "one_per_ordinal", unique: true }]);
  await db.collection<IssuanceDoc>("issuances").createIndexes([
    ...ISSUANCE_INDEXES,
    // Of campaigns that give each user several coupons up to a number: it holds no others.
    {
      key: { campaignId: 1, userId: 1, place: 1 },
      name: "one_per_place",
      unique: true,
      partialFilterExpression: { place: { $exists: true } },
    },
  ]);
  await db
    .collection<RedemptionDoc>("redemptions")
    .createIndexes([{ key: { campaignId: 1, _id: 1 }, name: "of_campaign" }]);
  await db.collection("attempts").createIndexes([
    { key: { who: 1, campaignId: 1, at: 1 }, name: "by_who" },
    { key: { campaignId: 1 }, name: "by_campaign" },
  ]);
  await db
    .collection<FeedDoc>("feeds")
    .createIndexes([
      { key: { checkAt: 1 }, name: "checks", partialFilterExpression: { checkAt: { $exists: true } } },
    ]);
  await db
    .collection<FeedOrderDoc>("feed_order")
    .createIndexes([{ key: { campaignId: 1, from: 1 }, name: "one_per_entry", unique: true }]);
  await db.collection<CursorDoc>("cursors").createIndexes([{ key: { key: 1 }, name: "of_sink" }]);
  await db.collection<DeadLetterDoc>("dead_letters").createIndexes([{ key: { key: 1 }, name: "of_sink" }]);
  await db.collection<CodeImportDoc>("code_imports").createIndexes([
    {
      ...{ key: { key: 1 }, name: "one_per_key", unique: true },
      partialFilterExpression: { key: { $type: "string" } },
    },
  ]);
  await db.collection<HistoryDoc>("history").createIndexes([
    { key: { campaignId: 1, revision: 1 }, name: "one_per_revision", unique: true },
    {
      key: { campaignId: 1, requestId: 1 },
      name: "by_request",
      partialFilterExpression: { requestId: { $type: "string" } },
    },
  ]);
}
