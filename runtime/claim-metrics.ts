import { Counter, Histogram, type Registry } from "prom-client";
import { HotCounter } from "./hot-counter.ts";
import { HotHistogram } from "./hot-histogram.ts";

/** What the claim path counts of itself. A warm-up has a set of its own, which no page shows. */
export type ClaimMetrics = ReturnType<typeof createClaimMetrics>;

/** Of one call to a store, in seconds. */
export const STORE_SECONDS = [
  0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8,
];
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

export function createClaimMetrics(registers: Registry[]) {
  return {
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
      buckets: STORE_SECONDS,
      registers,
    }),
    commitSeconds: new Histogram({
      name: "coupon_commit_seconds",
      help: "Time of one durable insertMany.",
      buckets: STORE_SECONDS,
      registers,
    }),
    insertsRepeated: new Counter({
      name: "coupon_inserts_repeated_total",
      help: "Repetitions of an insert that met another primary of MongoDB, or lost its connection.",
      registers,
    }),
    shed: new HotCounter({
      name: "coupon_shed_total",
      help: "Claims refused as OVERLOADED because they could not be answered in time (CLAIM_WAIT_TARGET_MS), or too many were held (CLAIMS_HELD_MAX).",
      registers,
    }),
    heldBack: new Counter({
      name: "coupon_held_back_total",
      help: "Requests refused while new claims were held back.",
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
