import { setTimeout as sleep } from "node:timers/promises";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Figure } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { backAndForth, median } from "./compare.ts";
import { claims, load, medianOf, WARM_UP_SECONDS } from "./loads.ts";
import { type Counts, EXCHANGE, type Receivers, startReceivers, untilDelivered } from "./receivers.ts";
import type { WrkResult } from "./wrk.ts";

const CONNECTIONS = 64;
const NAMES = ["bench-webhook", "bench-rabbitmq"] as const;
const TAKEN_OVER_DEADLINE_MS = 30_000;
const POLL_MS = 100;
/** One run can be much quicker than the long ones for which the usual number of coupons is enough. */
const ROOM = 2;
/** Sinks that deliver nothing for so long, after the load, stand still. */
const STILL_MS = 30_000;

type Run = WrkResult & {
  /** Of a run with sinks, the shares of its coupons that had arrived when the load ended. */
  readonly meanwhile?: Counts;
  /** Seconds from then until everything had. */
  readonly restSeconds?: number;
};

/**
 * What sinks cost claims: the same service, with all roles in one process, without sinks and with a batched
 * webhook and an exchange of RabbitMQ that follow the campaign. Each run has a campaign of its own. After a
 * run with sinks both receivers must get every coupon of it, by their own count: a sink that stands still
 * costs nothing. Broker and receivers are processes of their own at the lowest priority: on the same cores,
 * what they take would otherwise count as the service's.
 */
export const sinks: Benchmark = {
  name: "sinks",
  what: "claims a second at 64 connections while a webhook and RabbitMQ get each coupon, beside none",
  effort: { rounds: 4, seconds: 4 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const receivers = await startReceivers(signal);
    try {
      const warm = await openCampaign(context, WARM_UP_SECONDS);
      const wanted = { connections: CONNECTIONS, campaignId: warm, seconds: WARM_UP_SECONDS };
      await whileFollowed(context, receivers, warm, () => load(context, wanted));
      const run = async (name: string): Promise<Run> => {
        const campaignId = await openCampaign(context, seconds);
        const work = () => claims(context, { ...wanted, campaignId, seconds });
        return name === "without" ? work() : await whileFollowed(context, receivers, campaignId, work);
      };
      return { figures: figuresOf(await backAndForth(rounds, ["without", "with"], run)) };
    } finally {
      await Promise.all(
        NAMES.map((name) => ground.clients.events.removeSink({ name }).catch(() => undefined)),
      );
      await receivers.close();
    }
  },
};

async function openCampaign(context: BenchmarkContext, seconds: number): Promise<string> {
  const total = await context.couponsFor(ROOM * seconds);
  return await campaignIn(context.ground, "open", total, context.signal);
}

/** Adds both sinks, waits for their process, works, waits until everything has arrived, and removes them. */
async function whileFollowed(
  { ground, signal }: BenchmarkContext,
  receivers: Receivers,
  campaignId: string,
  work: () => Promise<WrkResult>,
): Promise<Run> {
  const { events } = ground.clients;
  const [webhook, rabbitMq] = NAMES;
  await events.addSink({ name: webhook, url: receivers.webhookUrl, batched: true, campaignId });
  await events.addSink({ name: rabbitMq, url: receivers.rabbitMq.url, exchange: EXCHANGE, campaignId });
  const isDelivering = async (name: string) =>
    (await events.getSink({ name })).sink?.delivery?.process !== undefined;
  const deadlineMs = performance.now() + TAKEN_OVER_DEADLINE_MS;
  while (!(await Promise.all(NAMES.map(isDelivering))).every((is) => is)) {
    signal.throwIfAborted();
    if (performance.now() > deadlineMs) throw new Trouble("no process delivers to the sinks");
    await sleep(POLL_MS);
  }
  const result = await work();
  const endedMs = performance.now();
  const arrived = await receivers.counts(campaignId);
  const issued = await issuedOf(ground, campaignId);
  await untilDelivered(issued, () => receivers.counts(campaignId), STILL_MS);
  const restSeconds = (performance.now() - endedMs) / 1_000;
  for (const name of NAMES) await events.removeSink({ name });
  const meanwhile = { webhook: arrived.webhook / issued, rabbitmq: arrived.rabbitmq / issued };
  return { ...result, meanwhile, restSeconds };
}

function figuresOf(results: Readonly<Record<string, readonly Run[]>>): Figure[] {
  const [alone, followed] = [results["without"] ?? [], results["with"] ?? []];
  const ratios = followed.map(({ perSecond }, round) => perSecond / (alone[round]?.perSecond ?? Number.NaN));
  const arrived = (at: keyof Counts) =>
    median(followed.map(({ meanwhile }) => meanwhile?.[at] ?? Number.NaN));
  const rest = median(followed.map(({ restSeconds = Number.NaN }) => restSeconds));
  return [
    { name: "claims_without_sinks", value: medianOf(alone, "perSecond"), unit: "/s" },
    { name: "claims_with_two_sinks", value: medianOf(followed, "perSecond"), unit: "/s" },
    { name: "claims_with_two_sinks_over_without", value: median(ratios), unit: "" },
    { name: "claims_without_sinks_p99", value: medianOf(alone, "p99Ms"), unit: "ms" },
    { name: "claims_with_two_sinks_p99", value: medianOf(followed, "p99Ms"), unit: "ms" },
    { name: "webhook_arrived_meanwhile", value: arrived("webhook"), unit: "" },
    { name: "rabbitmq_arrived_meanwhile", value: arrived("rabbitmq"), unit: "" },
    { name: "sinks_all_arrived_after", value: rest, unit: "s" },
  ];
}
