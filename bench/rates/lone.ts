import { ISSUE_PATH } from "../../callers/http-client.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Figure } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import { WARM_UP_SECONDS } from "./loads.ts";
import { type WithoutQueues, withoutQueues } from "./without-queues.ts";
import { runWrk } from "./wrk.ts";

/** One run: half of its claims were answered within `p50Ms`, in ms. */
type Run = { readonly p50Ms: number; readonly answers: number };

/** More coupons than one caller gets that waits for each answer. */
const COUPONS_A_SECOND = 5_000;

/**
 * The cost of the batches for a caller that is alone: a caller with one connection and one request at a time,
 * served by the service, by the same two calls to the stores without any queue behind Node's own http, and by
 * these two calls alone.
 */
export const lone: Benchmark = {
  name: "lone",
  what: "a lone caller's latency, beside the same two calls to the stores without the queues",
  effort: { rounds: 5, seconds: 4 },
  run: (context) => withoutQueues(context, async (claimer) => ({ figures: await compare(context, claimer) })),
};

async function compare(context: BenchmarkContext, claimer: WithoutQueues): Promise<Figure[]> {
  const { ground, rounds, seconds, signal } = context;
  const coupons = COUPONS_A_SECOND * 3 * (rounds * seconds + WARM_UP_SECONDS);
  const campaignId = await campaignIn(ground, "open", coupons, signal);

  const asked = (baseUrl: string) => async (runSeconds: number) => {
    const target = { baseUrl, path: ISSUE_PATH, campaignId, connections: 1, seconds: runSeconds };
    const result = await runWrk(target, signal);
    if (result.refused > 0)
      throw new Trouble(`${result.refused} claims were refused: ${claimer.lines.at(-1)}`);
    return result;
  };
  const direct = async (runSeconds: number): Promise<Run> => {
    const tookMs = await claimer.direct(campaignId, runSeconds);
    return { p50Ms: median(tookMs), answers: tookMs.length };
  };
  const variants = { service: asked(ground.service.baseUrl), unqueued: asked(claimer.baseUrl), direct };

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
