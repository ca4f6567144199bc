/**
 * The receivers of a webhook and of a queue of RabbitMQ. They take all, and count the coupons of each
 * campaign once, however often they come. Prints `ready PORT`; a GET there returns the counts, a POST is a
 * delivery.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "amqplib";
import type { CloudEvent } from "../../events/cloud-event.ts";

const { AMQP_URL = "", QUEUE = "" } = process.env;
const PREFETCH = 500;

/** By campaign, the numbers of its coupons. */
type Taken = Map<string, Set<number>>;

const taken = { webhook: new Map() as Taken, rabbitmq: new Map() as Taken };

function take(into: Taken, events: readonly CloudEvent[]): void {
  for (const { type, data } of events) {
    if (type !== "coupon.issued" || !("number" in data)) continue;
    const numbers = into.get(data.campaignId) ?? new Set();
    into.set(data.campaignId, numbers.add(data.number));
  }
}

const counts = (of: Taken) => Object.fromEntries([...of].map(([id, numbers]) => [id, numbers.size]));

const broker = await connect(AMQP_URL, { noDelay: true });
const channel = await broker.createChannel();
await channel.prefetch(PREFETCH);
await channel.consume(QUEUE, (message) => {
  if (message === null) return;
  take(taken.rabbitmq, [JSON.parse(message.content.toString("utf8")) as CloudEvent]);
  channel.ack(message);
});

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  if (request.method === "GET") {
    response.end(JSON.stringify({ webhook: counts(taken.webhook), rabbitmq: counts(taken.rabbitmq) }));
    return;
  }
  take(
    taken.webhook,
    [JSON.parse(Buffer.concat(pieces).toString("utf8")) as CloudEvent | CloudEvent[]].flat(),
  );
  response.writeHead(204).end();
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);
});
