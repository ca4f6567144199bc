import { type Db, MongoClient, ReadConcern } from "mongodb";
import { withDeadline } from "../runtime/deadline.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import type { CampaignDoc, CouponDoc, HistoryDoc, IssuanceDoc } from "./documents.ts";
import { askedOf, mongoTrouble } from "./mongo-trouble.ts";

export type MongoOptions = {
  url: string;
  database: string;
  /** How long the first connection may take, in ms. */
  connectWithinMs: number;
  /** How long a single operation may hold its socket, in ms. */
  operationMs: number;
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
 * are journaled, whatever the URL says. Retryable writes are off: the unique indexes decide, and recognise a
 * repeated insert.
 * @throws UserError when no MongoDB answers within `connectWithinMs`, or it refuses the user
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
  // Not only given to the client, where options of the URL (readConcernLevel, journal) win over these.
  const db = client.db(options.database, {
    readPreference: "primary",
    readConcern: new ReadConcern("majority"),
    writeConcern: { w: "majority", journal: true, wtimeoutMS: options.operationMs },
  });
  try {
    await withDeadline(client.connect(), options.connectWithinMs, "connecting to MongoDB");
    await withDeadline(db.command({ ping: 1 }), options.connectWithinMs, "asking MongoDB");
    await withDeadline(ensureIndexes(db), options.connectWithinMs * 6, "making the indexes of MongoDB");
  } catch (error) {
    await client.close(true).catch(() => undefined);
    throw mongoTrouble(error, askedOf(client, options.database));
  }
  return { client, db };
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
    { key: { settling: 1 }, name: "settling", partialFilterExpression: { settling: true } },
  ]);
  await db
    .collection<CouponDoc>("coupons")
    .createIndexes([{ key: { campaignId: 1, ordinal: 1 }, name: "one_per_ordinal", unique: true }]);
  await db.collection<IssuanceDoc>("issuances").createIndexes([
    { key: { campaignId: 1, claimKey: 1 }, name: "one_per_claim_key", unique: true },
    { key: { campaignId: 1, generation: 1, seq: 1 }, name: "in_issue_order" },
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
