import { schedule } from "node-cron";
import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";

export type Tick = {
  /** Begins to tick; also runs one round at once. */
  start(): void;
  /** Stops ticking; resolves when the round under way has ended. */
  stop(): Promise<void>;
};

const EVERY_SECOND = "* * * * * *";

/** After so long without a tick it is restarted; measured by timers, which ignore changes of the clock. */
const OVERDUE_MS = 3_000;
/**
 * A timer that is so late shows that the process was held up: then the tick was late too, and comes without a
 * restart.
 */
const HELD_UP_MS = 1_000;
/** The wall clock against the monotonic one: a smaller difference is a slew, not a step. */
const STEP_MS = 500;

/**
 * Runs a round every second, one at a time. node-cron sleeps until an instant of the wall clock. When the
 * clock is set back, it would sleep for as long as the step; in a process that is not in UTC (`runInUtc`),
 * also for the repeated hour at the end of summer time. So a tick that does not come is restarted.
 */
export function createTick(
  clock: Clock,
  logger: Logger,
  round: () => Promise<void>,
  cron: typeof schedule = schedule,
): Tick {
  let task: ReturnType<typeof schedule> | undefined;
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> | undefined;
  let came = false;
  let cameAt = { wallMs: clock.now(), elapsedMs: clock.elapsed() };
  const told = (message: string | Error) => logger.debug(`node-cron: ${String(message)}`);
  const cronLogger = { info: told, warn: told, error: told, debug: told };

  async function onTick(): Promise<void> {
    came = true;
    cameAt = { wallMs: clock.now(), elapsedMs: clock.elapsed() };
    if (underWay !== undefined) return;
    underWay = round().finally(() => {
      underWay = undefined;
    });
    await underWay;
  }

  function begin(): void {
    task = cron(EVERY_SECOND, onTick, { timezone: "UTC", name: "reconcile", logger: cronLogger });
  }

  function tellOverdue(): void {
    const overdueMs = Math.round(clock.elapsed() - cameAt.elapsedMs);
    const clockStepMs = Math.round(clock.now() - cameAt.wallMs) - overdueMs;
    if (Math.abs(clockStepMs) < STEP_MS) logger.warn({ overdueMs }, "cron tick overdue; restarting it");
    else
      logger.warn(
        { overdueMs, clockStepMs },
        "cron tick overdue after a step of the wall clock; restarting it",
      );
  }

  function watch(): void {
    const beganMs = clock.elapsed();
    cancel = clock.after(OVERDUE_MS, () => {
      const lateMs = clock.elapsed() - beganMs - OVERDUE_MS;
      if (!came && lateMs < HELD_UP_MS) {
        tellOverdue();
        void task?.destroy();
        begin();
        void onTick();
      }
      came = false;
      watch();
    });
  }

  return {
    start() {
      if (task !== undefined) return;
      begin();
      watch();
      void onTick();
    },
    async stop() {
      cancel();
      await task?.destroy();
      await underWay;
    },
  };
}
