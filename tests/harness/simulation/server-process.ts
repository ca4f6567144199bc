import { createRestore } from "../../../campaign/restore.ts";
import { settleMsOf } from "../../../campaign/settled-issues.ts";
import { createCampaignCache } from "../../../claims/campaign-cache.ts";
import { createClaimer } from "../../../claims/claimer.ts";
import type { Issue } from "../../../claims/issue.ts";
import { createStoreBreakers } from "../../../claims/store-breakers.ts";
import { createSweeper } from "../../../claims/sweeper.ts";
import { createGenerator } from "../../../generator/generator.ts";
import type { Issuances } from "../../../record/issuances.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { createScheduler } from "../../../scheduler/scheduler.ts";
import { NO_ERASURES } from "../../support/no-erasures.ts";
import { type Actor, newActor } from "./agenda.ts";
import { createMongoLink } from "./mongo-link.ts";
import type { MongoServer } from "./mongo-server.ts";
import { createRedisLink } from "./redis-link.ts";
import type { RedisServer } from "./redis-server.ts";
import { createSimulatedPool } from "./simulated-pool.ts";
import { createSimulatedRecord, type SimulatedRecord } from "./simulated-record.ts";
import type { Watch } from "./watch.ts";
import { clockOf, type Machine, type World } from "./world.ts";

/** The settings of the product, drawn for each seed. */
export type Settings = {
  readonly claimBatchMax: number;
  readonly queueMax: number;
  readonly waitTargetMs: number;
  readonly heldMax: number;
  readonly commitsInFlightMax: number;
  readonly commitDeadlineMs: number;
  readonly commitStallMs: number;
  readonly storeStallMs: number;
  readonly issueDeadlineMs: number;
  readonly storeDeadlineMs: number;
  readonly sweepAfterMs: number;
  readonly leaseMs: number;
};

export type ServerProcess = {
  readonly actor: Actor;
  /** IssueCoupon after decoding. Rejects if the handler would throw. */
  issue(campaignId: string, claimKey: string, signal: AbortSignal): Promise<Issue>;
  cutRedis(): void;
  /** Called when the process crashes: its clients get a connection reset. */
  readonly connected: Set<() => void>;
};

export type ServerOptions = {
  world: World;
  name: string;
  redis: RedisServer;
  mongo: MongoServer;
  watch: Watch;
  machine: Machine;
  settings: Settings;
  schedules: boolean;
  generates: boolean;
  logger: Logger;
  crash(actor: Actor): void;
  loseRedis(): void;
};

/** One for all servers: no check reads these metrics. */
const metrics = createMetrics();
const TICK_MS = 1_000;

/** Starts the parts of a service process as `server/roles.ts` does, over the simulated stores. */
export function startServer(options: ServerOptions): ServerProcess {
  const { world, redis, mongo, watch, machine, settings, logger } = options;
  const { agenda, random, plant } = world;
  const actor = newActor(options.name);
  const crash = () => options.crash(actor);
  const clock = clockOf(world, actor, machine);
  const link = createRedisLink({
    world,
    redis,
    owner: actor,
    clock,
    deadlineMs: settings.storeDeadlineMs,
    crash,
  });
  const pool = createSimulatedPool({ world, redis, link, watch, callerNowMs: clock.now });
  const operationMs = settings.commitDeadlineMs;
  const mongoLink = createMongoLink({
    world,
    mongo,
    owner: actor,
    operationMs,
    crash,
    loseRedis: options.loseRedis,
  });
  const record = createSimulatedRecord(world, mongo, mongoLink);
  const common = { ...record, pool, clock, logger, metrics, owner: actor.name, leaseMs: settings.leaseMs };
  const restore = createRestore(plant === "loader-order" ? { ...common, ...inWrongOrder(record) } : common);
  const breakers = createStoreBreakers({
    ...{ clock, logger, commitStallMs: settings.commitStallMs, storeStallMs: settings.storeStallMs },
    probes: {
      write: () => mongoLink.read("probe", () => undefined),
      read: () => record.campaigns.find(""),
      pool: (id) => pool.inspect(id),
    },
  });
  const claimer = createClaimer({
    ...common,
    restore,
    breakers,
    marks: NO_ERASURES,
    filterSeed: 1,
    ...settings,
    defer: (callback) => void agenda.in(random.between(0, 0.1), actor, "end of turn", callback),
  });
  if (plant !== "no-sweeper")
    createSweeper({ ...common, claimer, breakers, sweepAfterMs: settings.sweepAfterMs }).start();
  const campaignCache = createCampaignCache(record.campaigns, clock);

  if (options.generates) createGenerator({ ...common, restore }).start();
  if (options.schedules) {
    const scheduler = createScheduler({
      ...common,
      restore,
      settleMs: settleMsOf(settings.commitDeadlineMs),
    });
    // Like node-cron's tick with noOverlap; the first round comes at once.
    const tick = () => void scheduler.reconcile().then(later, later);
    const later = () => void clock.after(TICK_MS, tick);
    clock.after(0, tick);
  }

  let saidSoldOut = false;
  return {
    actor,
    cutRedis: link.cut,
    connected: new Set(),
    async issue(campaignId, claimKey, signal) {
      const facts = campaignCache.peek(campaignId) ?? (await campaignCache.find(campaignId));
      if (facts === null) return { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
      if (saidSoldOut && plant === "sold-out-cache")
        return { kind: "refused", refusal: { reason: "SOLD_OUT" } };
      const issue = await claimer.issue({ campaignId, facts, claimKey, userId: "", caller: signal });
      if (
        plant === "overloaded-after-pop" &&
        issue.kind === "refused" &&
        issue.refusal.reason === "UNCERTAIN"
      )
        return { kind: "refused", refusal: { reason: "OVERLOADED" } };
      saidSoldOut ||= issue.kind === "refused" && issue.refusal.reason === "SOLD_OUT";
      return issue;
    },
  };
}

/** The planted bug in the loader: it reads the issuances before it reads the codes. */
function inWrongOrder({ issuances, coupons }: SimulatedRecord) {
  let early: ReturnType<Issuances["inOrder"]> | undefined;
  return {
    coupons: {
      ...coupons,
      async codes(id: string, first: number, end: number) {
        early = issuances.inOrder(id, undefined, 5_000);
        await early;
        return coupons.codes(id, first, end);
      },
    },
    issuances: {
      ...issuances,
      inOrder: ((id, after, limit) =>
        limit === 1 || early === undefined
          ? issuances.inOrder(id, after, limit)
          : early) as Issuances["inOrder"],
    },
  };
}
