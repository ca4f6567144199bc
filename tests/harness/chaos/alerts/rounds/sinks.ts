import type { Clients } from "../../../../../bench/load/connect-client.ts";
import { writeClock } from "../../ground/ground.ts";
import { type AlertRound, instanceOf, ROLES_AND_EVENTS, type Stage } from "../alert-round.ts";
import { addBroker, addWebhook, eventsOf, operatorOf, SINK, type Taken } from "../sinks.ts";

const GROUND = { roles: ROLES_AND_EVENTS } as const;
/** All together fewer than the claims that may be slow before an alert says so. */
const FIRST_CALLERS = 20;
const CALLERS = 25;
const CALLERS_BEFORE = 15;
/** One event a request, each answered so late: more than two minutes of work, and each delivery in time. */
const SLOW_MS = 250;
const SLOW_CALLERS = 900;
/** A little more than the 24 hours for which a sink may fail. */
const A_DAY_S = 24 * 3_600 + 60;

const ofSink = (alert: string) => ({ alert, labels: { sink: SINK } });

/** Some callers get coupons, and the receiver gets to know. */
async function sellSome({ sale, callers }: Stage, { taken }: Taken): Promise<void> {
  const issued = await callers.ask(FIRST_CALLERS);
  await sale.untilTrue("the sink has its events", async () => (await taken()) >= issued);
}

/** Whatever the receiver missed, it has by the end. */
async function untilTaken({ sale }: Stage, least: number, { taken }: Taken): Promise<void> {
  await sale.untilTrue("the sink has what it missed", async () => (await taken()) >= least, 120_000);
}

/** The pause after many failures is long: an operator who has repaired a receiver has it tried at once. */
async function tryAtOnce({ sale }: Stage, { events }: Clients): Promise<void> {
  await events.pauseSink({ name: SINK });
  const isLeft = async () => (await events.getSink({ name: SINK })).sink?.delivery?.process === undefined;
  await sale.untilTrue("no process delivers to the paused sink", isLeft);
  await events.resumeSink({ name: SINK });
}

/** A fault of a receiver that has some events by then; `open` adds it as a sink. */
function withSink<T extends Taken>(
  open: (stage: Stage) => Promise<T>,
  strike: (stage: Stage, receiver: T) => ReturnType<AlertRound["strike"]>,
): Pick<AlertRound, "ground" | "before" | "strike"> {
  const receivers = new WeakMap<Stage, T>();
  return {
    ground: GROUND,
    async before(stage) {
      const receiver = await open(stage);
      receivers.set(stage, receiver);
      await sellSome(stage, receiver);
    },
    async strike(stage) {
      const receiver = receivers.get(stage);
      if (receiver === undefined) throw new Error("the round has no receiver");
      return strike(stage, receiver);
    },
  };
}

const batched = (stage: Stage) => addWebhook(stage, { batched: true });
const oneByOne = (stage: Stage) => addWebhook(stage, { batched: false });

export const sinkRounds: readonly AlertRound[] = [
  {
    name: "rabbitmq-killed",
    alerts: ["CouponSinkFails"],
    also: ["CouponSinkLags"],
    ...withSink(addBroker, async (stage, broker) => {
      const had = await broker.taken();
      await broker.kill();
      const issued = await stage.callers.ask(CALLERS);
      return {
        fires: [ofSink("CouponSinkFails")],
        async end() {
          await broker.start();
          const operator = operatorOf(stage);
          await tryAtOnce(stage, operator).finally(() => operator.close());
          await untilTaken(stage, had + issued, broker);
        },
      };
    }),
  },
  {
    // Each attempt succeeds, and coupons are sold faster than the receiver takes them.
    name: "receiver-slow",
    alerts: ["CouponSinkLags"],
    ...withSink(oneByOne, async (stage, receiver) => {
      const had = await receiver.taken();
      receiver.answer(204, SLOW_MS);
      const issued = await stage.callers.ask(SLOW_CALLERS);
      return {
        fires: [ofSink("CouponSinkLags")],
        async end() {
          receiver.answer(204);
          await untilTaken(stage, had + issued, receiver);
        },
      };
    }),
  },
  {
    // It answers 500 for a day, by the clock of the process that delivers.
    name: "receiver-fails",
    alerts: ["CouponSinkFails", "CouponSinkDeadLetters"],
    also: ["CouponSinkLags", "CouponClocksApart"],
    ...withSink(batched, async (stage, receiver) => {
      const { clockFile } = stage.sale.ground;
      const had = await receiver.taken();
      receiver.answer(500);
      let issued = await stage.callers.ask(CALLERS_BEFORE);
      const operator = operatorOf(stage);
      const isFailing = async () =>
        (await operator.events.getSink({ name: SINK })).sink?.delivery?.failing.length !== 0;
      await stage.sale.untilTrue("a delivery has failed", isFailing);
      await writeClock(clockFile, A_DAY_S);
      const areAside = async () =>
        (await operator.events.listDeadLetters({ sink: SINK })).deadLetters.length > 0;
      await stage.sale.untilTrue("events are put aside", areAside);
      // What comes afterwards fails in its turn.
      issued += await stage.callers.ask(CALLERS - CALLERS_BEFORE);
      return {
        fires: [ofSink("CouponSinkFails"), ofSink("CouponSinkDeadLetters")],
        async end() {
          receiver.answer(204);
          await writeClock(clockFile, 0);
          await operator.events.replayDeadLetters({ sink: SINK, all: true });
          await tryAtOnce(stage, operator);
          operator.close();
          await untilTaken(stage, had + issued, receiver);
        },
      };
    }),
    ground: { ...GROUND, fakeClocks: "events" },
  },
  {
    name: "receiver-gone",
    alerts: ["CouponSinkGone"],
    ...withSink(batched, async (stage, receiver) => {
      const had = await receiver.taken();
      receiver.answer(410);
      const issued = await stage.callers.ask(CALLERS);
      return {
        fires: [ofSink("CouponSinkGone")],
        async end() {
          receiver.answer(204);
          const operator = operatorOf(stage);
          await operator.events.resumeSink({ name: SINK }).finally(() => operator.close());
          await untilTaken(stage, had + issued, receiver);
        },
      };
    }),
  },
  {
    // The only process that delivers.
    name: "events-crashed",
    alerts: ["CouponSinkUnattended", "CouponProcessDown"],
    ...withSink(batched, async (stage, receiver) => {
      const events = eventsOf(stage);
      const had = await receiver.taken();
      await events.kill();
      const issued = await stage.callers.ask(CALLERS);
      return {
        fires: [
          ofSink("CouponSinkUnattended"),
          { alert: "CouponProcessDown", labels: { instance: instanceOf(events) } },
        ],
        async end() {
          await events.start();
          await untilTaken(stage, had + issued, receiver);
        },
      };
    }),
  },
];
