import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { createCampaignGauges } from "./campaign-gauges.ts";
import { createClaimMetrics, STORE_SECONDS } from "./claim-metrics.ts";
import { type Clock, systemClock } from "./clock.ts";
import { addIdentity, collectProcessMetrics } from "./process-metrics.ts";
import { createStoreMetrics } from "./store-metrics.ts";

/**
 * Every metric of the service. Labels are bounded: never a user or a code, and of campaigns the nearest few.
 * `aggregator` is how the values of several workers become one on their common page; without it they are
 * added up.
 */
export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(clock: Pick<Clock, "now" | "elapsed"> = systemClock) {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  return {
    registry,
    ...addIdentity(registry),
    ...createStoreMetrics(registry, clock),
    campaigns: createCampaignGauges(registry, clock),
    ...createClaimMetrics(registers),
    armLatenessSeconds: new Histogram({
      name: "coupon_arm_lateness_seconds",
      help: "Opening minus start instant, on the clock of Redis.",
      buckets: STORE_SECONDS,
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
    breakerOpen: new Gauge({
      name: "coupon_breaker_open",
      help: "1 while requests are refused because a kind of call gets no answer: commits (durable writes), reads, pools (Redis, of any campaign); else 0.",
      labelNames: ["breaker"] as const,
      aggregator: "max",
      registers,
    }),
    warmUps: new Counter({
      name: "coupon_warm_ups_total",
      help: "Warm-ups of the claim path before a start by outcome: done, cut (the time was over), failed.",
      labelNames: ["outcome"] as const,
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
  };
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
