import { ISSUE_PATH } from "../../callers/http-client.ts";
import { builtProduct } from "../../local/built.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { limitedSignal } from "../../runtime/limited-signal.ts";
import { orAborted } from "../releases.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Figure } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { WARM_UP_SECONDS } from "./loads.ts";
import { runWrk } from "./wrk.ts";

/** One run: half of its claims were answered within `p50Ms`, in ms. */
type Run = { readonly p50Ms: number; readonly answers: number };

/** More coupons than one caller gets that waits for each answer. */
const COUPONS_A_SECOND = 5_000;
const READY_DEADLINE_MS = 30_000;
const GRACE_MS = 20_000;

/**
 * The cost of the batches for a caller that is alone: a caller with one connection and one request at a time,
 * served by the service, by the same two calls to the stores without any queue behind Node's own http, and by
 * these two calls alone.
 */
export const lone: Benchmark = {
  name: "lone",
  what: "a lone caller's latency, beside the same two calls to the stores without the queues",
  effort: { rounds: 5, seconds: 4 },
  async run(context) {
    const { ground, signal } = context;
    const child = startService({
      entry: "bench/rates/unqueued.ts",
      args: [await builtProduct()],
      env: ground.stores,
    });
    try {
      const line = await orAborted(
        child.waitForLine((text) => text.startsWith("ready "), READY_DEADLINE_MS),
        signal,
      );
      return { figures: await compare(context, child, `http://127.0.0.1:${line.slice("ready ".length)}`) };
    } finally {
      await child.kill();
    }
  },
};

async function compare(
  context: BenchmarkContext,
  child: ServiceProcess,
  unqueuedUrl: string,
): Promise<Figure[]> {
  const { ground, rounds, seconds, signal } = context;
  const coupons = COUPONS_A_SECOND * 3 * (rounds * seconds + WARM_UP_SECONDS);
  const campaignId = await campaignIn(ground, "open", coupons, signal);

  const asked = (baseUrl: string) => async (runSeconds: number) => {
    const target = { baseUrl, path: ISSUE_PATH, campaignId, connections: 1, seconds: runSeconds };
    const result = await runWrk(target, signal);
    if (result.refused > 0) throw new Trouble(`${result.refused} claims were refused: ${child.lines.at(-1)}`);
    return result;
  };
  const direct = async (runSeconds: number): Promise<Run> => {
    const url = new URL(`/direct?campaign=${campaignId}&seconds=${runSeconds}`, unqueuedUrl);
    const limit = limitedSignal(runSeconds * 1_000 + GRACE_MS, signal);
    const response = await fetch(url, { signal: limit.signal });
    const told: unknown = await response.json().finally(limit.clear);
    if (response.status !== 200) throw new Trouble(`claims without queues: ${JSON.stringify(told)}`);
    const tookMs = told as number[];
    return { p50Ms: median(tookMs), answers: tookMs.length };
  };
  const variants = { service: asked(ground.service.baseUrl), unqueued: asked(unqueuedUrl), direct };

  let answers = 0;
  /**
   * Throws unless all answers have their issuances; each of the two variants that wrk runs may have one more,
   * under way at its end.
   */
  const count = async (runs: readonly Run[], underWay: number) => {
    answers += runs.reduce((sum, run) => sum + run.answers, 0);
    const issued = await issuedOf(ground, campaignId);
    if (issued < answers || issued > answers + underWay)
      throw new Trouble(`${answers} answers, but ${issued} coupons on record`);
    return issued;
  };
  const warm = await interleaved(1, {
    service: () => variants.service(WARM_UP_SECONDS),
    unqueued: () => variants.unqueued(WARM_UP_SECONDS),
    direct: () => variants.direct(WARM_UP_SECONDS),
  });
  answers = await count(Object.values(warm).flat(), 2);
  const results = await interleaved(rounds, {
    service: () => variants.service(seconds),
    unqueued: () => variants.unqueued(seconds),
    direct: () => variants.direct(seconds),
  });
  await count(Object.values(results).flat(), 2 * rounds);

  const p50 = (runs: readonly Run[] | undefined) => median((runs ?? []).map(({ p50Ms }) => p50Ms));
  const [service, unqueued, alone] = [results["service"], results["unqueued"], results["direct"]].map(p50);
  if (service === undefined || unqueued === undefined || alone === undefined) throw new Trouble("no runs");
  return [
    { name: "lone_p50", value: service, unit: "ms" },
    { name: "lone_unqueued_p50", value: unqueued, unit: "ms" },
    { name: "lone_direct_p50", value: alone, unit: "ms" },
    { name: "lone_over_unqueued", value: service - unqueued, unit: "ms" },
    { name: "lone_over_direct", value: service - alone, unit: "ms" },
  ];
}
