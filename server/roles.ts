import { randomUUID } from "node:crypto";
import type { Registry } from "prom-client";
import { openAuditor } from "../audit/stores/auditor.ts";
import { createGenerator } from "../generator/generator.ts";
import { createRemoveRehearsal } from "../generator/remove-rehearsal.ts";
import { createRestore } from "../generator/restore.ts";
import { createPool } from "../pool/pool.ts";
import { connectRedis } from "../pool/redis.ts";
import { createRedisClock } from "../pool/redis-clock.ts";
import { createRedisProbe } from "../pool/redis-facts.ts";
import { createPreflight } from "../preflight/preflight.ts";
import { createCampaigns } from "../record/campaigns.ts";
import { createCoupons } from "../record/coupons.ts";
import { createHistory } from "../record/history.ts";
import { createIssuances } from "../record/issuances.ts";
import { createIssueRate } from "../record/issue-rate.ts";
import { connectMongo } from "../record/mongo.ts";
import { createMongoFacts } from "../record/mongo-facts.ts";
import { createPreflights } from "../record/preflights.ts";
import { createProcesses } from "../record/processes.ts";
import { createRehearsals } from "../record/rehearsals.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/logger.ts";
import { addTickAge, createMetrics } from "../runtime/metrics.ts";
import { createRehearsalWatch } from "../scheduler/rehearsal-watch.ts";
import { createScheduler, type Scheduler } from "../scheduler/scheduler.ts";
import { createStartWatch } from "../scheduler/start-watch.ts";
import { buildApp } from "./app.ts";
import { createBusyCampaigns } from "./busy-campaigns.ts";
import { createCampaignService } from "./campaign-service.ts";
import { createCampaignStatus } from "./campaign-status.ts";
import { createChangeCampaign } from "./change-campaign.ts";
import { createClaimer } from "./claims/claimer.ts";
import { createStoreBreakers } from "./claims/store-breakers.ts";
import { createSweeper } from "./claims/sweeper.ts";
import { createCloseDoors } from "./close-doors.ts";
import { createCouponService } from "./coupon-service.ts";
import { createDirectory } from "./directory.ts";
import { prepareHttp2Drain, prepareHttpDrain } from "./drain.ts";
import { serveHealth } from "./health.ts";
import { createIssueCoupon } from "./issue-coupon.ts";
import { listen, urlOf } from "./listen.ts";
import { createLiveView } from "./live-view.ts";
import { createPresence } from "./presence.ts";
import { createTally } from "./tally.ts";
import { createProcessLook } from "./watch/process-look.ts";

/** An insert that was given up may still be on its way for so long. */
const SETTLE_AFTER_DEADLINE_MS = 1_000;

/** Where a process with the server role can be reached. */
export type Addresses = { readonly http: string; readonly grpc: string };

/** Where a process without it has its health pages. */
export type HealthAddress = { readonly health: string };

/** Makes the page that /metrics answers, given how to read this process' own metrics. */
export type MetricsPage = (own: () => Registry) => () => Promise<string>;

/** What is different in a process that is one of several workers on the same ports. */
export type Place = { readonly worker: number | undefined; readonly metricsPage: MetricsPage };

const ALONE: Place = { worker: undefined, metricsPage: (own) => () => own().metrics() };

/**
 * Connects the stores and starts the roles of the configuration. What is started registers its release: the doors close first,
 * then the workers, then the claims under way end, then the stores are left.
 * @throws UserError when a store is absent or a port is taken
 */
export async function startRoles(
  config: Config,
  logger: Logger,
  lifecycle: Lifecycle,
  place: Place = ALONE,
): Promise<Addresses | HealthAddress> {
  const clock = systemClock;
  const metrics = createMetrics();
  const owner = randomUUID();
  const connectWithinMs = config.START_DEADLINE_MS;
  const health = config.ROLES.includes("server")
    ? undefined
    : await serveHealth({ config, logger, metrics, lifecycle });

  const redis = await connectRedis({
    url: config.REDIS_URL,
    connectWithinMs,
    unsentMs: config.STORE_DEADLINE_MS,
    logger,
  });
  lifecycle.onRelease("Redis", () => redis.close());
  const mongo = await connectMongo({
    url: config.MONGODB_URL,
    database: config.MONGODB_DATABASE,
    connectWithinMs,
    operationMs: config.COMMIT_DEADLINE_MS,
  });
  lifecycle.onRelease("MongoDB", () => mongo.client.close());

  const pool = createPool(redis, config.STORE_DEADLINE_MS);
  const campaigns = createCampaigns(mongo.db);
  const coupons = createCoupons(mongo.db);
  const history = createHistory(mongo.db);
  const issuances = createIssuances(mongo.db);
  const common = {
    pool,
    campaigns,
    coupons,
    history,
    issuances,
    clock,
    logger,
    metrics,
    owner,
    leaseMs: config.LEASE_MS,
  };
  const restore = createRestore(common);
  const processes = createProcesses(mongo.db);
  const redisClock = createRedisClock(redis, clock, config.STORE_DEADLINE_MS);
  const mongoFacts = createMongoFacts(mongo.db);
  const preflight = createPreflight({
    ...common,
    processes,
    redisProbe: createRedisProbe(redis, config.STORE_DEADLINE_MS),
    redisClock,
    mongoFacts,
  });
  const preflights = createPreflights(mongo.db);
  const tally = createTally();
  const rehearsals = createRehearsals(mongo.db);
  const settleMs = config.COMMIT_DEADLINE_MS + SETTLE_AFTER_DEADLINE_MS;
  const removeRehearsal = createRemoveRehearsal({ ...common, rehearsals, settleMs });
  let scheduler: Scheduler | undefined;
  const presence = createPresence({
    ...common,
    processes,
    redisClock,
    roles: config.ROLES,
    worker: place.worker,
    sinceTickMs: () => scheduler?.sinceTickMs(),
    campaigns: createBusyCampaigns(tally, rehearsals),
  });
  lifecycle.onRelease("presence", () => presence.stop());
  presence.start();

  if (config.ROLES.includes("generator")) {
    const generator = createGenerator({ ...common, restore });
    lifecycle.onRelease("generator", () => generator.stop());
    generator.start();
  }
  if (config.ROLES.includes("scheduler")) {
    const started = createScheduler({ ...common, restore });
    lifecycle.onRelease("scheduler", () => started.stop());
    started.start();
    scheduler = started;
    addTickAge(metrics.registry, started.sinceTickMs, clock);
    const starts = createStartWatch({ ...common, preflight, preflights });
    lifecycle.onRelease("watch over the starts", () => starts.stop());
    starts.start();
    const overdue = createRehearsalWatch({ ...common, rehearsals, removeRehearsal });
    lifecycle.onRelease("watch over the rehearsals", () => overdue.stop());
    overdue.start();
  }
  if (health !== undefined) {
    health.started();
    return { health: health.url };
  }

  const breakers = createStoreBreakers({
    ...common,
    commitStallMs: config.COMMIT_STALL_MS,
    storeStallMs: config.STORE_STALL_MS,
    probes: {
      write: () => mongoFacts.write(config.COMMIT_STALL_MS),
      read: () => campaigns.find(""),
      pool: (campaignId) => pool.inspect(campaignId),
    },
  });
  const claimer = createClaimer({
    ...common,
    restore,
    breakers,
    claimBatchMax: config.CLAIM_BATCH_MAX,
    queueMax: config.CLAIM_QUEUE_MAX,
    commitsInFlightMax: config.COMMITS_IN_FLIGHT_MAX,
    commitDeadlineMs: config.COMMIT_DEADLINE_MS,
    issueDeadlineMs: config.ISSUE_DEADLINE_MS,
  });
  lifecycle.onRelease("claims under way", () => claimer.idle());
  const sweeper = createSweeper({ ...common, claimer, sweepAfterMs: config.SWEEP_AFTER_MS });
  lifecycle.onRelease("sweeper", () => sweeper.stop());
  sweeper.start();

  const stopping = new AbortController();
  const draining = new AbortController();
  const liveView = createLiveView(campaigns, pool, breakers, clock);
  const directory = createDirectory({ find: (id) => breakers.reads.ask(() => campaigns.find(id)) }, clock);
  const campaignStatus = createCampaignStatus(liveView, clock);
  const issueCoupon = createIssueCoupon({
    claimer,
    directory,
    clock,
    metrics,
    tally,
    issueDeadlineMs: config.ISSUE_DEADLINE_MS,
  });
  const app = buildApp({
    couponService: createCouponService({
      ...common,
      issueCoupon,
      directory,
      campaignStatus,
      reads: breakers.reads,
    }),
    issueCoupon,
    campaignStatus,
    campaignService: createCampaignService({
      ...{ ...common, liveView, preflight, preflights, removeRehearsal, draining: draining.signal },
      reads: breakers.reads,
      changeCampaign: createChangeCampaign({ ...common, restore }),
      issueRate: createIssueRate(mongo.db),
      processLook: createProcessLook(processes, clock),
      openAuditor: () =>
        openAuditor({
          redisUrl: config.REDIS_URL,
          mongodbUrl: config.MONGODB_URL,
          database: config.MONGODB_DATABASE,
        }),
    }),
    clock,
    logger,
    metrics,
    operatorToken: config.OPERATOR_TOKEN,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    stopping: stopping.signal,
    draining: draining.signal,
    metricsPage: place.metricsPage(() => {
      // These are read off rather than counted.
      for (const [queue, size] of Object.entries(claimer.sizes())) metrics.queueDepth.set({ queue }, size);
      metrics.queueLimit.set(config.CLAIM_QUEUE_MAX);
      metrics.breakerOpen.set(claimer.holdsBack() ? 1 : 0);
      return metrics.registry;
    }),
  });
  const closeDoors = createCloseDoors({
    ...{ stopping, draining, clock, logger },
    drains: [
      prepareHttpDrain(app.http, app.inFlight, clock),
      prepareHttp2Drain(app.grpc, app.grpcSessions, clock),
    ],
    delayMs: config.SHUTDOWN_DELAY_MS,
    // The doors get half of the time, so that what is behind them can end in order too.
    patienceMs: config.DRAIN_DEADLINE_MS / 2,
  });
  lifecycle.onRelease("doors", closeDoors);
  const httpPort = await listen(app.http, config.HOST, config.PORT, "PORT");
  const grpcPort = await listen(app.grpc, config.HOST, config.GRPC_PORT, "GRPC_PORT");
  return { http: urlOf(config.HOST, httpPort), grpc: urlOf(config.HOST, grpcPort) };
}
