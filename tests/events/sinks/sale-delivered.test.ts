import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { CloudEvent } from "../../../events/cloud-event.ts";
import type { SinkSettings } from "../../../events/sink.ts";
import { newWebhookSecret } from "../../../events/sinks/webhook-secrets.ts";
import { freePort } from "../../../local/free-port.ts";
import { until } from "../../../local/poll.ts";
import { type ServiceProcess, startService } from "../../../local/service-process.ts";
import type { CursorDoc } from "../../../record/event-documents.ts";
import { createSinks } from "../../../record/sinks.ts";
import { openedSale } from "../../support/event-sale.ts";
import { HANG_MS } from "../../support/patience.ts";
import { type RabbitMq, startRabbitMq } from "../../support/rabbitmq.ts";
import { openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { sharedStack } from "../../support/shared-stores.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { withStores } from "../../support/with-stores.ts";

const TOTAL = 5_000;
const CHUNK = 50;

type Name = "crm" | "mail";
type Fault = {
  readonly what: string;
  readonly of: Name;
  /** Until it has met a delivery. */
  readonly begin: () => Promise<unknown>;
  /** Until it is over; absent: it is once it has begun. */
  readonly end?: () => Promise<unknown>;
  readonly meanwhile?: () => Promise<unknown>;
};
/** Of a fault: when the sink had all that was issued up to its end, and which events came meanwhile. */
type Row = {
  readonly what: string;
  readonly of: Name;
  readonly caughtUpMs: number;
  readonly from: number;
  readonly to: number;
};

/** How many of some events had come before. */
function twiceIn(events: readonly CloudEvent[], from: number, to: number): number {
  const ids = new Set(events.slice(0, from).map(({ id }) => id));
  let twice = 0;
  for (const { id } of events.slice(from, to)) {
    if (ids.has(id)) twice++;
    ids.add(id);
  }
  return twice;
}

/** How many of some events came for the first time and after later ones. */
function backwardsIn(events: readonly CloudEvent[], from: number, to: number): number {
  const ids = new Set<string>();
  let last = "";
  let backwards = 0;
  for (const [i, { id, sequence }] of events.slice(0, to).entries()) {
    if (ids.has(id)) continue;
    ids.add(id);
    if (sequence < last && i >= from) backwards++;
    if (sequence > last) last = sequence;
  }
  return backwards;
}

/** The table of docs/events.md. */
function table(rows: readonly Row[], eventsOf: (name: Name) => readonly CloudEvent[]): string[] {
  const names = { crm: "webhook", mail: "RabbitMQ" };
  return [
    "| sink | fault | caught up after | events meanwhile | of them again | out of order |",
    "|---|---|---|---|---|---|",
    ...rows.map(({ what, of, caughtUpMs, from, to }) => {
      const counts = [to - from, twiceIn(eventsOf(of), from, to), backwardsIn(eventsOf(of), from, to)];
      return `| ${names[of]} | ${what} | ${(caughtUpMs / 1_000).toFixed(1)} s | ${counts.join(" | ")} |`;
    }),
  ];
}

/** All that comes through a queue, also over restarts of its broker, which then delivers some of it again. */
async function readQueue(rabbitMq: RabbitMq, queue: string) {
  const got: CloudEvent[] = [];
  let isOver = false;
  const ids = new Set<string>();
  async function read(): Promise<void> {
    const connection = await rabbitMq.connect();
    connection.once("close", () => void again());
    const channel = await connection.createChannel();
    await channel.consume(queue, (message) => {
      if (message === null) return;
      const event = JSON.parse(message.content.toString("utf8")) as CloudEvent;
      if (!message.fields.redelivered || !ids.has(event.id)) got.push(event);
      ids.add(event.id);
      channel.ack(message);
    });
  }
  async function again(): Promise<void> {
    while (!isOver) {
      if (!(await until(() => isOver || rabbitMq.isRunning(), HANG_MS, 100)) || isOver) return;
      try {
        return await read();
      } catch {
        await sleep(100);
      }
    }
  }
  await read();
  return {
    got,
    end: () => {
      isOver = true;
    },
  };
}

/**
 * A sale that two processes deliver to a webhook and to RabbitMQ, while each part of the way is killed and
 * the receiver does all that a receiver can do wrong.
 */
describe("a sale of 5,000, delivered through every fault", () => {
  const stores = withStores("each");
  const secret = newWebhookSecret();
  let raw: RawRedis;
  let dir: ReturnType<typeof temporaryDir>;
  let rabbitMq: RabbitMq;
  let keptFile: string;
  let port: number;
  let receiver: ServiceProcess;
  let dispatchers: Map<string, ServiceProcess>;

  before(async () => {
    raw = await openRawRedis((await sharedStack()).redis.url);
    dir = temporaryDir();
    rabbitMq = await startRabbitMq();
  });

  after(async () => {
    await Promise.all([receiver, ...dispatchers.values()].map((child) => child.kill()));
    await rabbitMq.close();
    raw.destroy();
    dir.remove();
  });

  async function startReceiver(): Promise<void> {
    const env = { PORT: String(port), KEPT_FILE: keptFile, WEBHOOK_SECRET: secret };
    receiver = startService({ entry: "tests/events/sinks/keeping-receiver.ts", env });
    await receiver.waitForLine((line) => line === "serving", HANG_MS);
  }

  async function startDispatcher(): Promise<void> {
    const child = startService({ entry: "tests/events/sinks/delivering-process.ts", env: stores.env });
    dispatchers.set(await child.waitForLine((line) => /^[0-9a-f-]{36}$/.test(line), HANG_MS), child);
  }

  const putMode = (mode: string) => fetch(`http://127.0.0.1:${port}/`, { method: "PUT", body: mode });
  const kept = (): CloudEvent[] =>
    readFileSync(keptFile, { encoding: "utf8", flag: "a+" })
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as CloudEvent);

  it("nothing is missing, the order is kept, and little comes twice", async () => {
    [keptFile, port, dispatchers] = [join(dir.path, "kept"), await freePort(), new Map()];
    const sinks = createSinks(stores.db);
    const broker = await rabbitMq.connect();
    const channel = await broker.createChannel();
    await channel.assertExchange("coupons", "topic", { durable: true });
    await channel.assertQueue("mail", { durable: true });
    await channel.bindQueue("mail", "coupons", "#");
    const add = (name: string, settings: SinkSettings) =>
      sinks.add({
        ...{ _id: name, settings, thresholds: [], from: "beginning", addedBy: "ada" },
        ...{ campaignId: undefined, types: undefined },
      });
    const url = `http://127.0.0.1:${port}/`;
    await add("crm", { kind: "webhook", url, secrets: [{ secret }], batched: true });
    await add("mail", { kind: "rabbitmq", url: rabbitMq.url, exchange: "coupons" });
    await Promise.all([startReceiver(), startDispatcher(), startDispatcher()]);
    const sale = await openedSale(stores, raw, TOTAL);

    /** Kills the process that delivers to a sink; another one takes over. */
    async function killDispatcherOf(name: string): Promise<void> {
      const isHeld = async () => dispatchers.get((await sinks.find(name))?.lease?.owner ?? "")?.isRunning;
      expect(await until(async () => (await isHeld()) === true, HANG_MS)).to.equal(true);
      await dispatchers.get((await sinks.find(name))?.lease?.owner ?? "")?.kill();
    }

    /** What it does wrong has met a delivery. */
    async function untilFailing(name: string): Promise<void> {
      const { key = "" } = (await sinks.find(name)) ?? {};
      const cursors = stores.db.collection<CursorDoc>("cursors");
      const isFailing = async () => (await cursors.findOne({ key, failing: { $exists: true } })) !== null;
      expect(await until(isFailing, HANG_MS), `${name} fails`).to.equal(true);
    }

    const { got, end: endReading } = await readQueue(rabbitMq, "mail");
    const eventsOf = (name: Name): readonly CloudEvent[] => (name === "crm" ? kept() : got);
    let issued = 0;

    async function sell(chunks: number): Promise<void> {
      for (let i = 0; i < chunks; i++) {
        await sale.finish((await sale.claim(CHUNK)).reverse());
        issued += CHUNK;
      }
    }

    /** It loses power after it has kept what came, and before it has answered. */
    async function loseTheAnswer(): Promise<void> {
      await putMode("mute");
      const before = kept().length;
      expect(await until(() => kept().length > before, HANG_MS, 5), "kept without an answer").to.equal(true);
      await receiver.kill();
    }

    const put = (mode: string) => () => putMode(mode);
    const failing = (mode: string) => () => putMode(mode).then(() => untilFailing("crm"));
    const faults: readonly Fault[] = [
      {
        what: "its dispatcher is killed",
        of: "crm",
        begin: () => killDispatcherOf("crm"),
        meanwhile: startDispatcher,
      },
      { what: "answers 500", of: "crm", begin: failing("500"), end: put("keep") },
      { what: "hangs", of: "crm", begin: failing("hang"), end: put("keep") },
      { what: "slow, 200 ms", of: "crm", begin: put("slow"), end: put("keep") },
      { what: "loses power", of: "crm", begin: () => receiver.kill(), end: startReceiver },
      { what: "loses power before its answer", of: "crm", begin: loseTheAnswer, end: startReceiver },
      {
        ...{ what: "loses power while it is slow", of: "crm" },
        begin: () => putMode("slow").then(() => receiver.kill()),
        end: startReceiver,
      },
      {
        ...{ what: "killed (the broker)", of: "mail", end: rabbitMq.start },
        begin: () => rabbitMq.kill().then(() => untilFailing("mail")),
      },
      {
        what: "its dispatcher is killed",
        of: "mail",
        begin: () => killDispatcherOf("mail"),
        meanwhile: startDispatcher,
      },
      {
        what: "its dispatcher again",
        of: "crm",
        begin: () => killDispatcherOf("crm"),
        meanwhile: startDispatcher,
      },
    ];
    const chunks = Math.floor(TOTAL / CHUNK / faults.length / 2);
    const rows: Row[] = [];
    for (const { what, of, begin, end, meanwhile } of faults) {
      const before = eventsOf(of).length;
      // Coupons are issued while it happens, and while the sink catches up.
      await Promise.all([sell(chunks), begin()]);
      await end?.();
      const [overAtMs, due] = [performance.now(), issued];
      const has = () => eventsOf(of).some(({ data }) => "number" in data && data.number >= due);
      const caughtUp = until(has, HANG_MS, 20).then((isSo) => {
        expect(isSo, `${of} catches up after: ${what}`).to.equal(true);
        return performance.now() - overAtMs;
      });
      const [caughtUpMs] = await Promise.all([caughtUp, sell(chunks), meanwhile?.()]);
      rows.push({ what, of, caughtUpMs, from: before, to: eventsOf(of).length });
    }
    await sell((TOTAL - issued) / CHUNK);
    await sale.step("sell-out", "OPEN", "SOLD_OUT");
    const fromMs = performance.now();
    const hasSoldOut = (events: readonly CloudEvent[]) =>
      events.some(({ type }) => type === "campaign.sold_out");
    expect(await until(() => hasSoldOut(got) && hasSoldOut(kept()), HANG_MS, 100)).to.equal(true);
    const seconds = ((performance.now() - fromMs) / 1_000).toFixed(1);
    endReading();
    for (const line of table(rows, eventsOf)) console.log(`      ${line}`);
    const lost = rows.find(({ what }) => what === "loses power before its answer");
    expect(lost && twiceIn(kept(), lost.from, lost.to), "kept, and sent again").to.be.above(0);

    for (const [name, events] of [
      ["webhook", kept()],
      ["RabbitMQ", got],
    ] as const) {
      const ids = new Set<string>();
      const first = events.filter(({ id }) => !ids.has(id) && ids.add(id));
      const sequences = first.map(({ sequence }) => sequence);
      expect(sequences, `${name}: in order`).to.deep.equal(sequences.toSorted());
      const numbers = first.flatMap(({ data }) => ("number" in data ? [data.number] : []));
      expect(numbers, `${name}: none missing`).to.deep.equal(Array.from({ length: TOTAL }, (_, i) => i + 1));
      const twice = events.length - first.length;
      // A fault repeats a batch at most, on each attempt that it lets fail after it was taken.
      expect(twice, `${name}: twice`).to.be.below(faults.length * 100);
      console.log(
        `      ${name}: ${first.length} events, ${twice} twice, all there ${seconds} s after the end`,
      );
    }
  });
});
