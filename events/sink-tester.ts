import type { SinkTestAnswer } from "../record/event-documents.ts";
import type { SinkLeases } from "../record/sink-leases.ts";
import type { SeenSink } from "../record/sinks.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { testEvent } from "./cloud-event.ts";
import { deliverWithin, errorText } from "./delivery.ts";
import type { OpenSink } from "./sink.ts";

/**
 * Delivers the test events that operators ask for: from the processes that deliver to sinks, since another
 * one may reach other machines.
 */
export type SinkTester = {
  /** Takes the tests of these sinks that are due. */
  look(sinks: readonly SeenSink[]): void;
  /** Ends those under way; they are answered all the same. */
  stop(): Promise<void>;
};

export type SinkTesterDeps = {
  readonly leases: Pick<SinkLeases, "takeTest" | "answerTest">;
  readonly openSink: OpenSink;
  readonly clock: Pick<Clock, "now" | "elapsed">;
  readonly logger: Logger;
  readonly owner: string;
  readonly deliveryDeadlineMs: number;
};

/** So long a test waits for the process that delivers to the sink; then any other takes it. */
const LEFT_TO_OWNER_MS = 1_500;
/** Nobody waits for it any more. */
const STALE_MS = 3_500;

export function createSinkTester(deps: SinkTesterDeps): SinkTester {
  const { leases, openSink, clock, logger, owner, deliveryDeadlineMs } = deps;
  const ending = new AbortController();
  const underWay = new Set<Promise<void>>();

  async function deliver({ _id: name, settings }: SeenSink, id: string): Promise<SinkTestAnswer> {
    const fromMs = clock.elapsed();
    const tookMs = () => Math.round(clock.elapsed() - fromMs);
    const event = testEvent(name, id, clock.now());
    try {
      const sink = openSink(settings);
      try {
        await deliverWithin(sink, [event], deliveryDeadlineMs, ending.signal);
      } finally {
        await sink.close().catch(() => undefined);
      }
      return { delivered: true, finding: "the receiver took the event", tookMs: tookMs() };
    } catch (error) {
      const finding = ending.signal.aborted ? "the process that tried ends" : errorText(error);
      return { delivered: false, finding, tookMs: tookMs() };
    }
  }

  async function run(seen: SeenSink, id: string): Promise<void> {
    if ((await leases.takeTest(seen._id, id, owner)) === null) return;
    const answer = await deliver(seen, id);
    logger.info({ sink: seen._id, ...answer }, "a sink was tested");
    await leases.answerTest(seen._id, id, answer);
  }

  function isDue({ test, lease, now }: SeenSink): boolean {
    if (test === undefined || test.owner !== undefined) return false;
    const isForeign = lease !== undefined && lease.owner !== owner && lease.until > now;
    const ageMs = now.getTime() - test.askedAt.getTime();
    return ageMs < STALE_MS && (!isForeign || ageMs >= LEFT_TO_OWNER_MS);
  }

  return {
    look(sinks) {
      for (const seen of sinks) {
        if (!isDue(seen) || ending.signal.aborted) continue;
        const running = run(seen, seen.test?.id ?? "")
          .catch((error: unknown) => logger.warn({ sink: seen._id, err: error }, "the test of a sink failed"))
          .finally(() => underWay.delete(running));
        underWay.add(running);
      }
    },
    async stop() {
      ending.abort();
      await Promise.allSettled([...underWay]);
    },
  };
}
