import { setMaxListeners } from "node:events";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { STATUS_PATH } from "../../server/rpc/status-answer.ts";
import { campaignIn } from "../rates/campaigns.ts";
import { median } from "../rates/compare.ts";
import { cpuSeconds, cpuSecondsOfEnded, type Ground } from "../rates/ground.ts";
import { claims, createCouponsFor, load } from "../rates/loads.ts";
import type { WrkResult } from "../rates/wrk.ts";
import { type Costs, fitBatchCost, type IdleCost, type Seen } from "./costs.ts";
import { measureSlot } from "./slot.ts";

export type Measured = {
  readonly costs: Costs;
  /** The run that the costs were not fitted to. */
  readonly check: {
    readonly connections: number;
    readonly perSecond: number;
    readonly p50Ms: number;
    /** The part of the machine's time that other work left. */
    readonly share: number;
  };
  /** Redis alone: processor time of a claim by batch size, in microseconds. */
  readonly slot: readonly Seen[];
};

type Deps = {
  readonly ground: Ground;
  readonly signal: AbortSignal;
  readonly seconds: number;
  readonly rounds: number;
};
type Parts = Record<"service" | "redis" | "mongodb" | "load", number>;
type Sample = {
  readonly result: WrkResult;
  readonly us: Parts;
  readonly claimBatch: number;
  readonly commitBatch: number;
  readonly share: number;
};

/** The costs are fitted to few and to many connections, and checked by what is between them. */
const FEW = 8;
const MANY = 256;
const BETWEEN = 64;
const STREAMS = 50;

export async function measureCosts(deps: Deps): Promise<Measured> {
  const { ground, signal, seconds, rounds } = deps;
  const couponsFor = createCouponsFor(ground, signal);
  // IdleCost first, while there is one campaign that can change.
  const waiting = await campaignIn(ground, "scheduled", 100, signal);
  const idle = await idleOf(ground, signal, seconds + 2);
  const campaignId = await campaignIn(ground, "open", await couponsFor(seconds * (3 * rounds + 2)), signal);
  const runs: Record<number, Sample[]> = { [FEW]: [], [BETWEEN]: [], [MANY]: [] };
  await load(deps, { connections: BETWEEN, campaignId, seconds: 1 });
  const lone = await load(deps, { connections: 1, campaignId, seconds: 1 });
  for (let round = 0; round < rounds; round += 1)
    for (const connections of [FEW, BETWEEN, MANY])
      runs[connections]?.push(await claimsOf(deps, campaignId, connections, idle));
  const of = (connections: number, value: (sample: Sample) => number) =>
    median((runs[connections] ?? []).map(value));
  const seen = (connections: number, part: keyof Parts, batch: "claimBatch" | "commitBatch"): Seen => ({
    batch: of(connections, (sample) => sample[batch]),
    itemUs: of(connections, (sample) => sample.us[part]),
  });
  const fitted = (part: keyof Parts, batch: "claimBatch" | "commitBatch") =>
    fitBatchCost(seen(FEW, part, batch), seen(MANY, part, batch));
  const server = fitted("service", "claimBatch");
  const redis = fitted("redis", "claimBatch");
  const mongodb = fitted("mongodb", "commitBatch");
  const worked = [server, redis, mongodb].reduce((sum, { batchUs, itemUs }) => sum + batchUs + itemUs, 0);

  const soldOut = await campaignIn(ground, "open", 100, signal);
  await load(deps, { connections: BETWEEN, campaignId: soldOut, seconds: 1 });
  const refusal = await answersOf(deps, { campaignId: soldOut }, idle);
  const status = await answersOf(deps, { campaignId: waiting, path: STATUS_PATH, ofUsers: false }, idle);
  const watchUs = await watchOf(deps, waiting, idle);
  const { slot, redisRefusalUs, lookUs } = await measureSlot(ground, signal);
  return {
    costs: {
      ...{ server, redis, mongodb, idle, lookUs, watchUs, redisRefusalUs },
      callerUs: of(MANY, (sample) => sample.us.load),
      waitUs: Math.max(0, lone.p50Ms * 1_000 - worked),
      refusalUs: refusal,
      statusUs: status,
    },
    check: {
      connections: BETWEEN,
      perSecond: of(BETWEEN, (sample) => sample.result.perSecond),
      p50Ms: of(BETWEEN, (sample) => sample.result.p50Ms),
      share: of(BETWEEN, (sample) => sample.share),
    },
    slot,
  };
}

const PARTS = ["service", "redis", "mongodb", "load"] as const;

/** Processor time of the whole machine so far. */
function busyS(): number {
  const times = cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq);
  return times.reduce((sum, ms) => sum + ms, 0) / 1_000;
}

function cpuNow({ pids }: Ground): Parts {
  const { service, redis, mongodb } = pids;
  const [own, stored, recorded] = [cpuSeconds(service), cpuSeconds(redis), cpuSeconds(mongodb)];
  return { service: own, redis: stored, mongodb: recorded, load: cpuSecondsOfEnded() };
}

/** The processor time of an act, in microseconds, without what idle processes take meanwhile. */
async function during<T>(
  ground: Ground,
  idle: IdleCost,
  act: () => Promise<T>,
): Promise<{ result: T; us: Parts; share: number }> {
  const [before, busyBefore, startedMs] = [cpuNow(ground), busyS(), performance.now()];
  const result = await act();
  const [after, elapsedS] = [cpuNow(ground), (performance.now() - startedMs) / 1_000];
  const ours = PARTS.reduce((sum, part) => sum + after[part] - before[part], 0);
  const others = Math.max(0, busyS() - busyBefore - ours) / elapsedS;
  const used = (part: keyof Parts, idleUs: number) =>
    Math.max(0, (after[part] - before[part]) * 1e6 - idleUs * elapsedS);
  return {
    result,
    share: Math.max(0.05, 1 - others / cpus().length),
    us: {
      service: used("service", idle.serverUs),
      redis: used("redis", idle.redisUs),
      mongodb: used("mongodb", idle.mongodbUs),
      load: used("load", 0),
    },
  };
}

async function idleOf(ground: Ground, signal: AbortSignal, seconds: number): Promise<IdleCost> {
  const none = { serverUs: 0, redisUs: 0, mongodbUs: 0 };
  const { us } = await during(ground, none, () => sleep(seconds * 1_000, undefined, { signal }));
  return { serverUs: us.service / seconds, redisUs: us.redis / seconds, mongodbUs: us.mongodb / seconds };
}

async function claimsOf(
  { ground, signal, seconds }: Deps,
  campaignId: string,
  connections: number,
  idle: IdleCost,
): Promise<Sample> {
  const before = await batchesOf(ground);
  const { result, us, share } = await during(ground, idle, () =>
    claims({ ground, signal }, { connections, campaignId, seconds }),
  );
  const after = await batchesOf(ground);
  const perItem = (part: keyof Parts) => us[part] / result.answers;
  const batch = (of: "claim" | "commit") =>
    (after[of].sum - before[of].sum) / (after[of].count - before[of].count);
  return {
    ...{ result, share },
    us: {
      service: perItem("service"),
      redis: perItem("redis"),
      mongodb: perItem("mongodb"),
      load: perItem("load"),
    },
    claimBatch: batch("claim"),
    commitBatch: batch("commit"),
  };
}

async function batchesOf({ service }: Ground) {
  const page = await (await fetch(new URL("/metrics", service.baseUrl))).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1] ?? 0);
  const of = (name: string) => ({ sum: read(`${name}_sum`), count: read(`${name}_count`) });
  return { claim: of("coupon_claim_batch_size"), commit: of("coupon_commit_batch_size") };
}

/** The server's processor time of an answer that needs no store. */
async function answersOf(
  deps: Deps,
  wanted: { readonly campaignId: string; readonly path?: string; readonly ofUsers?: boolean },
  idle: IdleCost,
): Promise<number> {
  const { ground, seconds } = deps;
  const asked = { ...wanted, connections: BETWEEN, seconds };
  const { result, us } = await during(ground, idle, () => load(deps, asked));
  return us.service / result.answers;
}

/** A second of a watching stream, in the server. */
async function watchOf(
  { ground, signal, seconds }: Deps,
  campaignId: string,
  idle: IdleCost,
): Promise<number> {
  const leaving = new AbortController();
  setMaxListeners(STREAMS + 1, leaving.signal);
  const request = { campaignId, intervalMs: 1_000, keepOn: true };
  let told = 0;
  const streams = Array.from({ length: STREAMS }, async () => {
    try {
      for await (const _ of ground.clients.campaigns.watchCampaign(request, { signal: leaving.signal }))
        told += 1;
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    }
  });
  await sleep(1_000, undefined, { signal });
  const { us } = await during(ground, idle, () => sleep((seconds + 1) * 1_000, undefined, { signal }));
  leaving.abort();
  await Promise.all(streams);
  if (told < 2 * STREAMS) throw new Error("a stream was told nothing");
  return us.service / (seconds + 1) / STREAMS;
}
