import { type Clock, sleep } from "../runtime/clock.ts";

/** Lets callers go first: while this process answers claims, deliveries take turns, with rests in between. */
export type DeliveryPace = {
  run<T>(work: () => Promise<T>): Promise<T>;
};

/** More answers a second than this: the process is busy. */
const BUSY_PER_SECOND = 50;
const LOOK_MS = 100;
/** Deliveries get a tenth of the time then. */
const REST_TIMES = 9;
const REST_MS = { least: 10, most: 250 } as const;

export function createDeliveryPace(
  clock: Pick<Clock, "elapsed" | "after">,
  answersSoFar: () => number,
): DeliveryPace {
  let seen = { atMs: clock.elapsed(), answers: answersSoFar() };
  let busy = false;
  let turn: Promise<unknown> = Promise.resolve();

  function isBusy(): boolean {
    const atMs = clock.elapsed();
    const tookMs = atMs - seen.atMs;
    if (tookMs < LOOK_MS) return busy;
    const answers = answersSoFar();
    busy = (answers - seen.answers) / tookMs > BUSY_PER_SECOND / 1_000;
    seen = { atMs, answers };
    return busy;
  }

  async function workAndRest<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly rest: Promise<void> }> {
    const fromMs = clock.elapsed();
    const result = await work();
    const workedMs = clock.elapsed() - fromMs;
    const restMs = Math.min(REST_MS.most, Math.max(REST_MS.least, REST_TIMES * workedMs));
    return { result, rest: isBusy() ? sleep(clock, restMs) : Promise.resolve() };
  }

  return {
    async run(work) {
      if (!isBusy()) return work();
      const done = turn.then(() => workAndRest(work));
      // The next turn begins after the rest, whatever became of this one.
      turn = done.then(
        ({ rest }) => rest,
        () => undefined,
      );
      return (await done).result;
    },
  };
}
