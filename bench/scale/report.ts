import { seededRandom } from "../../callers/random.ts";
import { type Costs, type IdleCost, itemCost, LOOKS_A_SECOND } from "./costs.ts";
import type { Measured } from "./measure.ts";
import { type Opening, type OpeningPlan, simulateOpening } from "./opening.ts";

export const COUPONS = 100_000;
/** A server core is planned to be so busy with refusals before an opening. */
const PLANNED_BUSY = 0.6;
/** Of the primary of MongoDB. */
export const MONGODB_CORES = 8;
const SERVER_CORES = 8;
const RATES = [1_000, 10_000, 100_000, 1_000_000] as const;

export type Step = { readonly plan: OpeningPlan; readonly opening: Opening };

/** So many server processes, of a core each, refuse this rate from memory. */
export function serversFor({ refusalUs }: Costs, requestsPerSecond: number): number {
  return Math.max(2, Math.ceil((requestsPerSecond * refusalUs) / 1e6 / PLANNED_BUSY));
}

export function steps(costs: Costs, seed: number): Step[] {
  return RATES.map((requestsPerSecond) => {
    const servers = serversFor(costs, requestsPerSecond);
    // Long enough for the coupons to be gone, at the rate and at the stores.
    const slowest =
      COUPONS * Math.max(1 / requestsPerSecond, (4 * itemCost(costs.mongodb, 64)) / 1e6 / MONGODB_CORES);
    const after = Math.min(30, Math.max(2, Math.ceil(2 * slowest)));
    const coupons = Math.min(COUPONS, requestsPerSecond * after * 0.5);
    const plan = { requestsPerSecond, coupons, servers, mongodbCores: MONGODB_CORES, before: 0.3, after };
    return { plan, opening: simulateOpening(costs, plan, seededRandom(seed)) };
  });
}

/** What is wrong with the books of a simulated opening. */
export function faultsOf({ plan, opening }: Step): string[] {
  const { issued } = opening.answered;
  const at = `at ${plan.requestsPerSecond.toLocaleString("en")}/s`;
  const answered = Object.values(opening.answered).reduce((sum, one) => sum + one, 0);
  return [
    ...(issued <= plan.coupons ? [] : [`${at} ${issued} coupons were issued instead of ${plan.coupons}`]),
    ...(issued === plan.coupons || Number.isNaN(opening.durableMs)
      ? []
      : [`${at} only ${issued} were answered`]),
    ...(answered + opening.unanswered === opening.arrived ? [] : [`${at} a request was answered twice`]),
  ];
}

export function costLines({ costs, slot }: Pick<Measured, "costs" | "slot">): string[] {
  const us = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} µs`;
  const of = (part: "server" | "redis" | "mongodb") =>
    `${us(costs[part].batchUs)} a batch and ${us(costs[part].itemUs)} a claim`;
  const idle = ({ serverUs, redisUs, mongodbUs }: IdleCost) =>
    `a second: server ${us(serverUs)}, Redis ${us(redisUs)}, MongoDB ${us(mongodbUs)}`;
  return [
    "measured, processor time:",
    `  claim          server ${of("server")}; Redis ${of("redis")}; MongoDB ${of("mongodb")}`,
    `  refusal        server ${us(costs.refusalUs)} from memory; Redis ${us(costs.redisRefusalUs)} by the script`,
    `  status         server ${us(costs.statusUs)}`,
    `  watching       server ${us(costs.watchUs)} a second and stream`,
    `  idle process   ${idle(costs.idle)}`,
    `  look at a pool Redis ${us(costs.lookUs)}`,
    `  Redis alone    ${slot.map(({ batch, itemUs }) => `${us(itemUs)} a claim in batches of ${batch}`).join(", ")}`,
    `  a lone claim waits ${us(costs.waitUs)} for disks`,
  ];
}

export function capacityLines({ costs, slot }: Pick<Measured, "costs" | "slot">): string[] {
  const perSecond = (us: number) => Math.round(1e6 / us).toLocaleString("en");
  const last = slot.at(-1);
  return [
    "what one of each carries, at a core that does nothing else:",
    ...slot.map(({ batch, itemUs }) => `  one slot: ${perSecond(itemUs)} claims/s in batches of ${batch}`),
    `  one slot: ${perSecond(costs.redisRefusalUs)} refusals/s by the script, ${perSecond(LOOKS_A_SECOND * costs.lookUs)} server processes × campaigns that wait`,
    ...[8, 64, 256].map(
      (batch) =>
        `  one MongoDB core: ${perSecond(itemCost(costs.mongodb, batch))} issuances/s in inserts of ${batch}`,
    ),
    `  one server core: ${perSecond(costs.refusalUs)} refusals/s, ${perSecond(costs.statusUs)} status/s, ${perSecond(itemCost(costs.server, last?.batch ?? 256))} claims/s, ${Math.round(1e6 / Math.max(1, costs.watchUs)).toLocaleString("en")} watching streams`,
  ];
}

const HEADINGS = [
  ...["requests/s", "coupons", "processes", "machines", "busy before", "after", "Redis", "MongoDB"],
  ...["sold ms", "durable ms", "winner p99", "loser p99", "waiting", "overloaded"],
];

export function stepLines(all: readonly Step[]): string[] {
  const number = (value: number) => (Number.isNaN(value) ? "-" : Math.round(value).toLocaleString("en"));
  const share = (value: number) => value.toFixed(2);
  const rows = all.map(({ plan, opening }) => [
    ...[number(plan.requestsPerSecond), number(plan.coupons), number(plan.servers)],
    // The servers' machines, one for Redis, three for the replica set.
    number(Math.ceil(plan.servers / SERVER_CORES) + 1 + 3),
    ...[share(opening.busy.serversBefore), share(opening.busy.servers)],
    ...[share(opening.busy.redis), share(opening.busy.mongodb)],
    ...[number(opening.soldMs), number(opening.durableMs)],
    ...[number(opening.winnersMs.p99), number(opening.losersMs.p99)],
    ...[number(opening.mostWaiting), number(opening.answered.overloaded)],
  ]);
  const table = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, at) => Math.max(...table.map((row) => (row[at] ?? "").length)));
  return table.map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join("  "));
}
