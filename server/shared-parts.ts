import { randomUUID } from "node:crypto";
import { createPseudonyms } from "../campaign/erasure/pseudonyms.ts";
import { createPreflight } from "../campaign/preflight/preflight.ts";
import { createRemoveRehearsal } from "../campaign/remove-rehearsal.ts";
import { createRestore } from "../campaign/restore.ts";
import { settleMsOf } from "../campaign/settled-issues.ts";
import { createTally } from "../claims/tally.ts";
import { shadowKeys } from "../pool/keys.ts";
import { createTakeFromLimit } from "../pool/limit-buckets.ts";
import { createPool } from "../pool/pool.ts";
import { connectRedis } from "../pool/redis.ts";
import { createRedisClock } from "../pool/redis-clock.ts";
import { createRedisProbe } from "../pool/redis-facts.ts";
import { createAttempts } from "../record/attempts.ts";
import { createCampaigns } from "../record/campaigns.ts";
import { createCertificates } from "../record/certificates.ts";
import { createCodeImports } from "../record/code-imports.ts";
import { createCommitments } from "../record/commitments.ts";
import { createCoupons } from "../record/coupons.ts";
import { createErasing } from "../record/erasing.ts";
import { createErasures } from "../record/erasures.ts";
import { createHistory } from "../record/history.ts";
import { createIssuances } from "../record/issuances.ts";
import { connectMongo } from "../record/mongo.ts";
import { createMongoFacts } from "../record/mongo-facts.ts";
import { watchMongo } from "../record/mongo-watch.ts";
import { createPreflights } from "../record/preflights.ts";
import { createProcesses } from "../record/processes.ts";
import { createRehearsals } from "../record/rehearsals.ts";
import { createWarmUps } from "../record/warm-ups.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Tracer } from "../runtime/tracer.ts";
import { createEventParts } from "./event-parts.ts";

/** How long after its deadline an insert may still take effect. */
const GRACE_AFTER_DEADLINE_MS = 1_000;

/** The parts that the roles of one process share: both stores, and what is built on them. */
export type SharedParts = Awaited<ReturnType<typeof createSharedParts>>;

/**
 * Connects both stores, and registers their release.
 * @throws UserError when a store is absent
 */
export async function createSharedParts(
  config: Config,
  logger: Logger,
  lifecycle: Lifecycle,
  { metrics, tracer }: { readonly metrics: Metrics; readonly tracer: Tracer },
) {
  const clock = systemClock;
  const connectWithinMs = config.START_DEADLINE_MS;
  const redis = await connectRedis({
    url: config.REDIS_URL,
    connectWithinMs,
    unsentMs: config.STORE_DEADLINE_MS,
    logger,
    notes: { lost: () => metrics.redisLost.inc(), replaced: () => metrics.redisReplaced.inc() },
  });
  metrics.redisSizes(redis.sizes);
  lifecycle.onRelease("Redis", () => redis.close());
  const mongo = await connectMongo({
    url: config.MONGODB_URL,
    database: config.MONGODB_DATABASE,
    connectWithinMs,
    operationMs: config.COMMIT_DEADLINE_MS,
    metrics,
  });
  lifecycle.onRelease("MongoDB", () => mongo.client.close());
  const mongoWatch = watchMongo({
    client: mongo.client,
    clock,
    logger: logger.child({ component: "record" }),
  });
  lifecycle.onRelease("watch of MongoDB", () => mongoWatch.close());
  const records = {
    attempts: createAttempts(mongo.db),
    campaigns: createCampaigns(mongo.db),
    certificates: createCertificates(mongo.db),
    commitments: createCommitments(mongo.db),
    imports: createCodeImports(mongo.db),
    coupons: createCoupons(mongo.db),
    erasing: createErasing(mongo.db),
    erasures: createErasures(mongo.db),
    history: createHistory(mongo.db),
    issuances: createIssuances(mongo.db),
    preflights: createPreflights(mongo.db),
    processes: createProcesses(mongo.db),
    rehearsals: createRehearsals(mongo.db),
    warmUps: createWarmUps(mongo.db),
  };
  const common = {
    ...records,
    pool: createPool(redis, config.STORE_DEADLINE_MS),
    clock,
    logger,
    metrics,
    tracer,
    owner: randomUUID(),
    leaseMs: config.LEASE_MS,
    pseudonyms: config.ERASURE_KEY === undefined ? undefined : createPseudonyms(config.ERASURE_KEY),
  };
  const redisClock = createRedisClock(redis, clock, config.STORE_DEADLINE_MS);
  const redisProbe = createRedisProbe(redis, config.STORE_DEADLINE_MS);
  const mongoFacts = createMongoFacts(mongo.db);
  const graceMs = config.COMMIT_DEADLINE_MS + GRACE_AFTER_DEADLINE_MS;
  return {
    ...common,
    settleMs: settleMsOf(config.COMMIT_DEADLINE_MS),
    db: mongo.db,
    events: createEventParts({ ...common, db: mongo.db, commitDeadlineMs: config.COMMIT_DEADLINE_MS }),
    takeFromLimit: createTakeFromLimit(redis),
    shadowPool: (campaignId: string, shadowId: string) =>
      createPool(redis, config.STORE_DEADLINE_MS, () => shadowKeys(campaignId, shadowId)),
    redisClock,
    mongoFacts,
    tally: createTally(),
    restore: createRestore(common),
    preflight: createPreflight({ ...common, redisProbe, redisClock, mongoFacts }),
    removeRehearsal: createRemoveRehearsal({ ...common, graceMs }),
  };
}
