import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { DeliveryFailed, type Sink } from "../../events/sink.ts";

/** A plain sink over real HTTP, for tests of what is before the sinks. */
export function httpSink(url: string): Sink {
  return {
    async deliver(events, signal) {
      const response = await fetch(url, { method: "POST", body: JSON.stringify(events), signal });
      await response.arrayBuffer();
      if (!response.ok) throw new DeliveryFailed(`the receiver answered ${response.status}`);
    },
    close: () => Promise.resolve(),
  };
}

/** What a receiver does with a request; `hang`: it never answers. */
export type Answer = 200 | 500 | "hang";

/** A receiver of events, which takes them in the order of their arrival. */
export type Receiver = {
  readonly url: string;
  /** Decides about each request; by default it takes all. */
  answer: (events: readonly CloudEvent[]) => Answer;
  /** All events that were taken, repetitions included. */
  readonly taken: readonly CloudEvent[];
  /** How many requests it has refused or not answered. */
  readonly refused: () => number;
  close(): Promise<void>;
};

export async function openReceiver(): Promise<Receiver> {
  const taken: CloudEvent[] = [];
  let refused = 0;
  const receiver = { answer: (_: readonly CloudEvent[]): Answer => 200 };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const events = JSON.parse(Buffer.concat(chunks).toString()) as CloudEvent[];
      const answer = receiver.answer(events);
      if (answer === "hang") {
        refused++;
        return;
      }
      if (answer === 200) taken.push(...events);
      else refused++;
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    taken,
    refused: () => refused,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** The events that a receiver has taken, each once, in the order in which they first came. */
export function firstOf(taken: readonly CloudEvent[], campaignId: string): CloudEvent[] {
  const seen = new Set<string>();
  return taken.filter(({ id, source }) => {
    if (source !== `/campaigns/${campaignId}` || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}
