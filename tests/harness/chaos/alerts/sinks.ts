import type { ServerResponse } from "node:http";
import { type Clients, connectClients } from "../../../../bench/load/connect-client.ts";
import { startRabbitMq } from "../../../support/rabbitmq.ts";
import { openWebhookReceiver } from "../../../support/webhook-receiver.ts";
import { OPERATOR_TOKEN } from "../ground/ground.ts";
import type { Server } from "../ground/server.ts";
import type { Stage } from "./alert-round.ts";

/** How many events a receiver has taken, repetitions included. */
export type Taken = { readonly taken: () => number | Promise<number> };

/** A receiver of webhooks; what it answers, a round decides. */
export type Receiver = Taken & {
  /** @param afterMs how long a request waits for its answer */
  answer(status: number, afterMs?: number): void;
  readonly taken: () => number;
};

/** A broker with a queue for all events. */
export type Broker = Taken & {
  kill(): Promise<void>;
  start(): Promise<void>;
};

export const SINK = "crm";
const EXCHANGE = "coupons";
const QUEUE = "all";

/** The operator of a round. */
export function operatorOf({ servers: [server] }: Pick<Stage, "servers">): Clients {
  if (server === undefined) throw new Error("there is no server");
  return connectClients(server.url, OPERATOR_TOKEN);
}

/** @throws where the ground of the round has none */
export function eventsOf({ events }: Stage): Server {
  if (events === undefined) throw new Error("no process has the role events alone");
  return events;
}

/** Adds a webhook that gets what happens from now on. */
export async function addWebhook(stage: Stage, { batched }: { batched: boolean }): Promise<Receiver> {
  const receiver = await openWebhookReceiver();
  stage.sale.ground.own("a receiver of webhooks", () => receiver.close());
  let taken = 0;
  let answer = (response: ServerResponse) => void response.writeHead(204).end();
  receiver.answer = (response, { body }) => {
    const told: unknown = JSON.parse(body);
    response.on("finish", () => {
      if (response.statusCode < 300) taken += Array.isArray(told) ? told.length : 1;
    });
    answer(response);
  };
  const operator = operatorOf(stage);
  await operator.events.addSink({ name: SINK, url: receiver.url, batched }).finally(() => operator.close());
  return {
    answer(status, afterMs = 0) {
      answer = (response) => {
        const end = () => void response.writeHead(status).end();
        if (afterMs === 0) end();
        else setTimeout(end, afterMs);
      };
    },
    taken: () => taken,
  };
}

/** Starts a broker, and adds an exchange of it. */
export async function addBroker(stage: Stage): Promise<Broker> {
  const rabbitMq = await startRabbitMq();
  stage.sale.ground.own("RabbitMQ", () => rabbitMq.close());
  const connection = await rabbitMq.connect();
  const channel = await connection.createChannel();
  await channel.assertExchange(EXCHANGE, "topic", { durable: true });
  await channel.assertQueue(QUEUE, { durable: true });
  await channel.bindQueue(QUEUE, EXCHANGE, "#");
  await connection.close();
  const operator = operatorOf(stage);
  await operator.events
    .addSink({ name: SINK, url: `${rabbitMq.url}/%2F`, exchange: EXCHANGE })
    .finally(() => operator.close());
  return {
    kill: () => rabbitMq.kill(),
    start: () => rabbitMq.start(),
    async taken() {
      const counting = await rabbitMq.connect();
      const { messageCount } = await (await counting.createChannel()).checkQueue(QUEUE);
      await counting.close();
      return messageCount;
    },
  };
}
