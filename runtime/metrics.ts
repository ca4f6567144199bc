import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { createCampaignGauges } from "./campaign-gauges.ts";
import { type Clock, systemClock } from "./clock.ts";
import { HotCounter } from "./hot-counter.ts";
import { HotHistogram } from "./hot-histogram.ts";
import { addIdentity, collectProcessMetrics } from "./process-metrics.ts";
import { createStoreMetrics } from "./store-metrics.ts";

/**
 * Every metric of the service. Labels are bounded: never a user or a code, and of campaigns the nearest few.
 * `aggregator` is how the values of several workers become one on their common page; without it they are
 * added up.
 */
export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8];
/**
 * Those that OpenTelemetry advises for `rpc.server.call.duration`, 5 ms to 10 s, and finer ones below: half
 * of the claims take less than about 2 ms, and all of them would be in the first bucket.
 */
const RPC_SECONDS = [
  ...[0.0005, 0.001, 0.0015, 0.002, 0.003],
  ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
];
/** What is repaired. A counter that appears with its first alarm has not risen, for Prometheus. */
const ALARMS = ["books_differ", "code-taken", "key-taken", "place-taken"] as const;
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

export function createMetrics(clock: Pick<Clock, "now" | "elapsed"> = systemClock) {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  return {
    registry,
    ...addIdentity(registry),
    ...createStoreMetrics(registry, clock),
    campaigns: createCampaignGauges(registry, clock),
    claims: new HotCounter({
      name: "coupon_claims_total",
      help: "IssueCoupon answers by outcome (issued, replayed, or the reason of the refusal).",
      labelNames: ["outcome"] as const,
      registers,
    }),
    fromMemory: new HotCounter({
      name: "coupon_answers_from_memory_total",
      help: "IssueCoupon answers that needed no store: not started, sold out, and replays after it.",
      registers,
    }),
    rpcSeconds: new HotHistogram({
      name: "coupon_rpc_server_duration_seconds",
      help: "Time from a call's head to its answer, a stream's to its end, by RPC and Connect code (ok: no error).",
      labelNames: ["rpc", "code"] as const,
      buckets: RPC_SECONDS,
      registers,
    }),
    claimBatch: new Histogram({
      name: "coupon_claim_batch_size",
      help: "Claims per call of claim.lua.",
      buckets: SIZES,
      registers,
    }),
    commitBatch: new Histogram({
      name: "coupon_commit_batch_size",
      help: "Issuances per insertMany.",
      buckets: SIZES,
      registers,
    }),
    claimSeconds: new Histogram({
      name: "coupon_claim_seconds",
      help: "Time of one call of claim.lua.",
      buckets: SECONDS,
      registers,
    }),
    commitSeconds: new Histogram({
      name: "coupon_commit_seconds",
      help: "Time of one durable insertMany.",
      buckets: SECONDS,
      registers,
    }),
    insertsRepeated: new Counter({
      name: "coupon_inserts_repeated_total",
      help: "Repetitions of an insert that met another primary of MongoDB, or lost its connection.",
      registers,
    }),
    armLatenessSeconds: new Histogram({
      name: "coupon_arm_lateness_seconds",
      help: "Opening minus start instant, on the clock of Redis.",
      buckets: SECONDS,
      registers,
    }),
    ledgerDepth: new Gauge({
      name: "coupon_ledger_depth",
      help: "Claims whose issuance is not yet confirmed durable, all live campaigns, at the last sweep.",
      // Every worker sweeps the same ledgers.
      aggregator: "max",
      registers,
    }),
    ledgerOldestSeconds: new Gauge({
      name: "coupon_ledger_oldest_age_seconds",
      help: "Age of the oldest claim in any ledger at the last sweep; 0: none is older than SWEEP_AFTER_MS.",
      aggregator: "max",
      registers,
    }),
    queueDepth: new Gauge({
      name: "coupon_queue_depth",
      help: "Requests that wait, by queue. In each process a queue is bounded by CLAIM_QUEUE_MAX.",
      labelNames: ["queue"] as const,
      registers,
    }),
    queueLimit: new Gauge({
      name: "coupon_queue_limit",
      help: "How many may wait in one queue of one campaign; beyond, requests are refused as OVERLOADED.",
      registers,
    }),
    claimWait: new Gauge({
      name: "coupon_claim_wait_seconds",
      help: "How long a claim that comes now takes, by those before it, of the campaign where that is longest; 0: fewer wait than CLAIM_BATCH_MAX.",
      aggregator: "max",
      registers,
    }),
    shed: new HotCounter({
      name: "coupon_shed_total",
      help: "Claims refused as OVERLOADED because they could not be answered in time (CLAIM_WAIT_TARGET_MS).",
      registers,
    }),
    breakerOpen: new Gauge({
      name: "coupon_breaker_open",
      help: "1 while requests are refused because a kind of call gets no answer: commits (durable writes), reads, pools (Redis, of any campaign); else 0.",
      labelNames: ["breaker"] as const,
      aggregator: "max",
      registers,
    }),
    heldBack: new Counter({
      name: "coupon_held_back_total",
      help: "Requests refused while new claims were held back.",
      registers,
    }),
    swept: new Counter({
      name: "coupon_swept_total",
      help: "Ledger entries finished by the sweeper.",
      registers,
    }),
    rebuilds: new Counter({
      name: "coupon_pool_loads_total",
      help: "Loads and rebuilds of a pool by outcome.",
      labelNames: ["outcome"] as const,
      registers,
    }),
    cuts: new Counter({
      name: "coupon_connections_cut_total",
      help: "Connections that were refused or ended for what their callers did, by the limit that was reached.",
      labelNames: ["why"] as const,
      registers,
    }),
    attemptsLost: new Counter({
      name: "coupon_attempts_lost_total",
      help: "Answers that are not in the attempt log: sampled out, or dropped as MongoDB was slow or too many came.",
      labelNames: ["why"] as const,
      registers,
    }),
    overLimit: new Counter({
      name: "coupon_over_limit_total",
      help: "Requests over a limit (user, address or key; look-ups by address), whether a coupon was found for them or not.",
      labelNames: ["by"] as const,
      registers,
    }),
    redemptions: new Counter({
      name: "coupon_redemptions_total",
      help: "Answers of RedemptionService by verb and outcome (done, replayed, valid, failed, or the reason of the refusal).",
      labelNames: ["verb", "outcome"] as const,
      registers,
    }),
    redemptionsRepeated: new Counter({
      name: "coupon_redemptions_repeated_total",
      help: "Decisions about a redemption made again: another change came first, or MongoDB had another primary.",
      registers,
    }),
    claimHook: new Counter({
      name: "coupon_claim_hook_total",
      help: "Questions to the claim hook by verdict (allowed, denied, undecided); kept verdicts are not counted again.",
      labelNames: ["verdict"] as const,
      registers,
    }),
    operatorAttemptsFailed: new Counter({
      name: "coupon_operator_attempts_failed_total",
      help: "Operators' calls refused before a handler, by cause: missing or wrong credential, limited, foreign page.",
      labelNames: ["why"] as const,
      registers,
    }),
    claimCredentialsRefused: new Counter({
      name: "coupon_claim_credentials_refused_total",
      help: "Claims and look-ups of coupons whose credential was refused, by the reason of the refusal.",
      labelNames: ["reason"] as const,
      registers,
    }),
    alarms: createAlarms(registers),
  };
}

function createAlarms(registers: Registry[]) {
  const alarms = new Counter({
    name: "coupon_alarms_total",
    help: "Things that should not happen and were repaired, by kind.",
    labelNames: ["kind"] as const,
    registers,
  });
  for (const kind of ALARMS) alarms.inc({ kind }, 0);
  return alarms;
}

/**
 * Only for a process with the scheduler role: in any other, an age of 0 would mean a scheduler that completes
 * its rounds.
 */
export function addTickGauges(
  registry: Registry,
  sinceTickMs: () => number | undefined,
  clock: Pick<Clock, "now" | "elapsed">,
): void {
  const startedAtMs = clock.elapsed();
  new Gauge({
    name: "coupon_scheduler_tick_age_seconds",
    help: "Time since the scheduler completed a round, which it does every second; before the first, since its start.",
    registers: [registry],
    aggregator: "max",
    collect() {
      this.set((sinceTickMs() ?? clock.elapsed() - startedAtMs) / 1_000);
    },
  });
  new Gauge({
    name: "coupon_scheduler_last_tick_timestamp_seconds",
    help: "When the scheduler completed its last round, in seconds since 1970; absent before the first.",
    registers: [registry],
    aggregator: "max",
    collect() {
      const sinceMs = sinceTickMs();
      if (sinceMs === undefined) this.remove();
      else this.set((clock.now() - sinceMs) / 1_000);
    },
  });
}
