import type { Logger } from "../runtime/logger.ts";
import type { MasterFinder } from "./master-finder.ts";
import { wordsOf } from "./redis-trouble.ts";
import type { Watch } from "./redis-watch.ts";

export type FollowOptions = {
  readonly finder: MasterFinder;
  readonly watch: Pick<Watch, "named">;
  readonly logger: Logger;
};

/** How often the Sentinels are asked while Redis serves. */
export const ASK_EVERY_MS = 1_000;

/**
 * Asks the Sentinels again and again which master they have: after a failover the old one may still answer,
 * and take claims that no other server sees, for as long as it is cut off from them. While Sentinels do not
 * answer, Redis is used as it is.
 */
export function followMaster({ finder, watch, logger }: FollowOptions): { close(): Promise<void> } {
  if (finder.heard() === undefined) return { close: async () => {} };
  let asking: Promise<void> | undefined;
  let told = "";

  function tell(): void {
    const { sentinels = 0, answering = 0, why = "" } = finder.heard() ?? {};
    const state = `${answering} of ${sentinels}`;
    if (state === told) return;
    const details = { component: "pool", answering, sentinels, ...(why === "" ? {} : { cause: why }) };
    if (answering === sentinels) {
      if (told !== "") logger.info(details, "all Sentinels answer again");
    } else if (answering === 0) {
      logger.warn(details, "no Sentinel answers; staying with the master that they named last");
    } else logger.warn(details, "some Sentinels do not answer");
    told = state;
  }

  async function ask(): Promise<void> {
    try {
      const [master] = (await finder.find()).nodes;
      tell();
      if (master !== undefined) watch.named(master);
    } catch (error) {
      logger.warn({ component: "pool", cause: wordsOf(error) }, "the Sentinels could not be asked");
    }
  }

  const timer = setInterval(() => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
  }, ASK_EVERY_MS).unref();
  return {
    async close() {
      clearInterval(timer);
      await asking;
    },
  };
}
