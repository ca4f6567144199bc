import { setTimeout as sleep } from "node:timers/promises";
import { ISSUE_PATH } from "../../callers/http-client.ts";
import { median } from "../rates/compare.ts";
import { cpuSecondsOfEnded } from "../rates/ground.ts";
import { runWrk } from "../rates/wrk.ts";
import { Trouble } from "../trouble.ts";
import { issuedOf } from "./campaigns.ts";
import { type Cpu, cpuOf, minus, PARTS, type ProcessesGround, type Side } from "./ground.ts";

/** One run of a variant: claims of new users at some of the servers. */
export type Run = {
  readonly perSecond: number;
  readonly p50Ms: number;
  /** Claims in a call of Redis, and in an insert of MongoDB, on average. */
  readonly claimBatch: number;
  readonly commitBatch: number;
  /** Processor time of a claim, in microseconds, without what the processes take when idle. */
  readonly cpuUs: Cpu;
  readonly coresBusy: number;
};

export type Variant = {
  readonly side: Side;
  readonly campaigns: readonly string[];
  /** How many of the servers are asked. */
  readonly servers: number;
  /** Over all servers and campaigns. */
  readonly connections: number;
  /** What the side takes in a second where nobody asks. */
  readonly idle: Cpu;
};

/**
 * A closed loop: each connection asks again as soon as it has its answer. Each answer must be a coupon that
 * is on record.
 */
export async function runVariant(
  { mongodb }: Pick<ProcessesGround, "mongodb">,
  { side, campaigns, servers, connections, idle }: Variant,
  seconds: number,
  signal: AbortSignal,
): Promise<Run> {
  const asked = side.servers.slice(0, servers);
  const each = Math.max(1, Math.round(connections / (asked.length * campaigns.length)));
  const read = async () => {
    const [issued, batches] = [await issuedOf(side, campaigns), await batchesOf(side)];
    return { issued, batches, cpu: cpuOf(side, mongodb, cpuSecondsOfEnded()) };
  };
  const before = await read();
  const startedMs = performance.now();
  const loads = asked.flatMap(({ url }) =>
    campaigns.map((campaignId) =>
      runWrk({ baseUrl: url, path: ISSUE_PATH, campaignId, connections: each, seconds }, signal),
    ),
  );
  const results = await Promise.all(loads);
  const elapsed = (performance.now() - startedMs) / 1_000;
  const cpu = minus(cpuOf(side, mongodb, cpuSecondsOfEnded()), before.cpu);
  const after = await read();
  const answers = sum(results.map((one) => one.answers));
  const refused = sum(results.map((one) => one.refused));
  const issued = after.issued - before.issued;
  if (refused > 0 || issued < answers || issued > answers + each * loads.length)
    throw new Trouble(`${answers} answers, ${refused} of them refusals, but ${issued} coupons on record`);
  const batch = (of: keyof Batches) =>
    (after.batches[of].items - before.batches[of].items) /
    (after.batches[of].calls - before.batches[of].calls);
  return {
    perSecond: sum(results.map((one) => one.perSecond)),
    p50Ms: median(results.map((one) => one.p50Ms)),
    claimBatch: batch("claims"),
    commitBatch: batch("commits"),
    cpuUs: Object.fromEntries(
      PARTS.map((part) => [part, ((cpu[part] - idle[part] * elapsed) / issued) * 1e6]),
    ) as Cpu,
    coresBusy: sum(Object.values(cpu)) / elapsed,
  };
}

type Batches = Record<"claims" | "commits", { readonly items: number; readonly calls: number }>;

async function batchesOf({ servers }: Side): Promise<Batches> {
  const pages = await Promise.all(
    servers.map(async ({ url }) => (await fetch(new URL("/metrics", url))).text()),
  );
  const total = (name: string) =>
    sum(pages.map((page) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1] ?? 0)));
  const of = (name: string) => ({ items: total(`${name}_sum`), calls: total(`${name}_count`) });
  return { claims: of("coupon_claim_batch_size"), commits: of("coupon_commit_batch_size") };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Processor time of a side in a second in which nobody asks: heartbeats, sweeps, ticks of the scheduler. */
export async function idleOf(side: Side, mongodb: number, seconds: number): Promise<Cpu> {
  const [before, startedMs] = [cpuOf(side, mongodb, 0), performance.now()];
  await sleep(seconds * 1_000);
  const used = minus(cpuOf(side, mongodb, 0), before);
  const elapsed = (performance.now() - startedMs) / 1_000;
  return Object.fromEntries(PARTS.map((part) => [part, used[part] / elapsed])) as Cpu;
}
