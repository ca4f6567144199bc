import { setTimeout as sleep } from "node:timers/promises";
import { startService } from "../../local/service-process.ts";
import { type RabbitMq, startRabbitMq } from "../../tests/support/rabbitmq.ts";
import { orAborted } from "../releases.ts";
import { Trouble } from "../trouble.ts";
import { YIELDING, yieldSession } from "./yielding.ts";

const READY_DEADLINE_MS = 60_000;
const POLL_MS = 100;
const QUEUE = "bench";

export const EXCHANGE = "bench";

/** How many coupons of a campaign each receiver has taken, each counted once. */
export type Counts = { readonly webhook: number; readonly rabbitmq: number };

export type Receivers = {
  readonly webhookUrl: string;
  readonly rabbitMq: RabbitMq;
  readonly counts: (campaignId: string) => Promise<Counts>;
  close(): Promise<void>;
};

/**
 * Starts a broker with a queue for everything, and the process that takes webhooks and reads that queue. Both
 * yield to everything else on the machine.
 */
export async function startReceivers(signal: AbortSignal): Promise<Receivers> {
  const rabbitMq = await startRabbitMq({ through: YIELDING });
  try {
    await yieldSession(rabbitMq.pid);
    const channel = await (await rabbitMq.connect()).createChannel();
    await channel.assertExchange(EXCHANGE, "topic", { durable: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.bindQueue(QUEUE, EXCHANGE, "#");
    const env = { AMQP_URL: rabbitMq.url, QUEUE };
    const receiver = startService({ entry: "bench/rates/sink-receivers.ts", env, through: YIELDING });
    try {
      await yieldSession(receiver.pid);
      const isReady = (line: string) => line.startsWith("ready ");
      const ready = await orAborted(receiver.waitForLine(isReady, READY_DEADLINE_MS), signal);
      const webhookUrl = `http://127.0.0.1:${ready.slice("ready ".length)}/`;
      return {
        webhookUrl,
        rabbitMq,
        async counts(campaignId) {
          const told = (await (await fetch(webhookUrl, { signal })).json()) as Record<
            keyof Counts,
            Record<string, number>
          >;
          return { webhook: told.webhook[campaignId] ?? 0, rabbitmq: told.rabbitmq[campaignId] ?? 0 };
        },
        async close() {
          await receiver.kill();
          await rabbitMq.close();
        },
      };
    } catch (error) {
      await receiver.kill();
      throw error;
    }
  } catch (error) {
    await rabbitMq.close();
    throw error;
  }
}

/**
 * Waits until both receivers have taken all issued coupons, for as long as either still gets some.
 * @throws Trouble when neither has got another one for `stillMs`
 */
export async function untilDelivered(
  issued: number,
  counts: () => Promise<Counts>,
  stillMs: number,
): Promise<void> {
  let [last, sinceMs] = [-1, performance.now()];
  for (;;) {
    const { webhook, rabbitmq } = await counts();
    if (webhook === issued && rabbitmq === issued) return;
    if (webhook + rabbitmq !== last) [last, sinceMs] = [webhook + rabbitmq, performance.now()];
    if (performance.now() - sinceMs >= stillMs)
      throw new Trouble(
        `the sinks stand still: of ${issued} coupons the webhook got ${webhook}, RabbitMQ ${rabbitmq}`,
      );
    await sleep(POLL_MS);
  }
}
