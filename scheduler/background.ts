import type { Logger } from "../runtime/logger.ts";

/** Work for which the tick does not wait; the end of the scheduler does. */
export type Background = {
  /** A failure is logged under `what`; the next tick tries again. */
  run(what: string, campaignId: string, work: () => Promise<void>): void;
  /** Resolves when all work has ended. */
  idle(): Promise<void>;
};

export function createBackground(logger: Logger): Background {
  const working = new Set<Promise<void>>();
  return {
    run(what, campaignId, work) {
      const running = work()
        .catch((error: unknown) =>
          logger.warn({ campaign: campaignId, err: error }, `${what} failed; the next tick tries again`),
        )
        .finally(() => working.delete(running));
      working.add(running);
    },
    async idle() {
      await Promise.allSettled([...working]);
    },
  };
}
