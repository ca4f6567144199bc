import { randomUUID } from "node:crypto";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Breaker } from "../../claims/breaker.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { SinkTest } from "../../record/event-documents.ts";
import type { SinkLeases } from "../../record/sink-leases.ts";
import type { Sinks } from "../../record/sinks.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { throwIfGone } from "../rpc/caller-gone.ts";
import { createRefuse } from "../rpc/refuse.ts";
import type { ProcessLook } from "../watch/process-look.ts";
import { createSinkNamed } from "./sink-named.ts";
import { viewSinkProcess } from "./sink-view.ts";
import { validSinkName } from "./valid-sink.ts";

export type TestSinkDeps = {
  readonly sinks: Pick<Sinks, "find">;
  readonly leases: Pick<SinkLeases, "askForTest">;
  readonly processLook: ProcessLook;
  readonly reads: Pick<Breaker, "ask">;
  readonly clock: Clock;
  /** How long a delivery may take. */
  readonly deliveryDeadlineMs: number;
};

const LOOK_MS = 50;
/** A process with the role events takes a test within two seconds. */
const TAKEN_WITHIN_MS = 4_000;
/** After its deadline a delivery has an answer, which is written then. */
const ANSWERED_WITHIN_MS = 1_000;

/** Asks the processes that deliver to sinks to send a test event, and waits for what comes of it. */
export function createTestSink(deps: TestSinkDeps): ServiceImpl<typeof EventService>["testSink"] {
  const { sinks, leases, processLook, reads, clock, deliveryDeadlineMs } = deps;
  const { refuse, orRefuse } = createRefuse(clock);
  const find = createSinkNamed(sinks, reads, refuse);
  const answeredMs = deliveryDeadlineMs + ANSWERED_WITHIN_MS;

  async function view(name: string, { id, owner, answer }: SinkTest) {
    const processes = (await processLook()) ?? [];
    const { delivered, finding, tookMs } =
      answer ?? NO_ANSWER[owner === undefined ? "untaken" : "unanswered"];
    return {
      ...{ delivered, finding, tookMs: BigInt(tookMs) },
      eventId: owner === undefined ? "" : `${name}/test/${id}`,
      ...(owner === undefined ? {} : { process: viewSinkProcess(owner, processes) }),
    };
  }

  return async (request, context) => {
    const name = orRefuse(validSinkName(request.name));
    const id = randomUUID();
    if (!(await leases.askForTest(name, id, TAKEN_WITHIN_MS + answeredMs))) {
      await find(name);
      throw refuse({ reason: "OVERLOADED", why: "a test of this sink is under way" });
    }
    const askedAtMs = clock.elapsed();
    for (;;) {
      throwIfGone(context.signal);
      const sink = await find(name);
      const { test } = sink;
      // Another test replaces one that nobody has answered for a long time.
      if (test === undefined || test.id !== id) return view(name, { id, askedAt: sink.now });
      const waitedMs = clock.elapsed() - askedAtMs;
      const isOver = waitedMs >= TAKEN_WITHIN_MS + (test.owner === undefined ? 0 : answeredMs);
      if (test.answer !== undefined || isOver) return view(name, test);
      await sleep(clock, LOOK_MS);
    }
  };
}

const NO_ANSWER = {
  untaken: {
    ...{ delivered: false, tookMs: 0 },
    finding: "no process with the role events has taken the test: is one running?",
  },
  unanswered: {
    ...{ delivered: false, tookMs: 0 },
    finding: "the process that took the test has not said what came of it: did it end?",
  },
} as const;
