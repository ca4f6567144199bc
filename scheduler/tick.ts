import { schedule } from "node-cron";
import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";

export type Tick = {
  /** Begins to tick; also does one round at once. */
  start(): void;
  /** Ticks no more; resolves when the round under way has ended. */
  stop(): Promise<void>;
};

const EVERY_SECOND = "* * * * * *";

/** For how long the tick may stay away, by timers, which no setting of the clock touches. */
const OVERDUE_MS = 3_000;

/**
 * Runs a round every second, one at a time. node-cron sleeps until an instant of the wall clock: when that was behind for a
 * while and is set right, it would sleep for as long as the step was. So a tick that stays away is begun anew.
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
  const told = (message: string | Error) => logger.debug(`node-cron: ${String(message)}`);
  const cronLogger = { info: told, warn: told, error: told, debug: told };

  async function onTick(): Promise<void> {
    came = true;
    if (underWay !== undefined) return;
    underWay = round().finally(() => {
      underWay = undefined;
    });
    await underWay;
  }

  function begin(): void {
    task = cron(EVERY_SECOND, onTick, { timezone: "UTC", name: "reconcile", logger: cronLogger });
  }

  function watch(): void {
    cancel = clock.after(OVERDUE_MS, () => {
      if (!came) {
        logger.warn("the tick stayed away, the wall clock must have been set: it begins anew");
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

/** A round of looking that never rejects: trouble is told when it begins, not again with every tick while it lasts. */
export function tellingOnce(look: () => Promise<void>, tell: (error: unknown) => void): () => Promise<void> {
  let trouble = false;
  return async () => {
    try {
      await look();
      trouble = false;
    } catch (error) {
      if (!trouble) tell(error);
      trouble = true;
    }
  };
}
