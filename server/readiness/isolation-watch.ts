import type { Processes, SeenServer } from "../../record/processes.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { AskPage } from "./ask-page.ts";
import { type Isolation, judgeIsolation, NOT_ISOLATED } from "./isolation.ts";
import { nextAsked, pagesOf, reachesBoth, type Self } from "./peers.ts";
import { STORES, type StoreReach } from "./store-reach.ts";

export type IsolationWatchDeps = {
  readonly processes: Pick<Processes, "servers">;
  readonly reach: Pick<StoreReach, "lostMs">;
  readonly askPage: AskPage;
  readonly self: Self;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each judgement. */
  readonly judged: (isIsolated: boolean) => void;
};

export type IsolationWatch = {
  start(): void;
  /** A look that is under way ends within its own limits, and changes nothing any more. */
  stop(): void;
};

export const LOOK_EVERY_MS = 1_000;
/** Where it reaches both stores, it reads who the others are once in so many looks. */
const READ_EVERY_LOOKS = 5;
/** Those that sent no heartbeat for so long are asked for nothing. */
const KNOWN_WITHIN_MS = 60_000;
const READ_MS = 2_000;

/**
 * Looks once a second whether this server fails to reach a store while another server reaches both: it asks
 * the heartbeats in MongoDB, and where it does not reach MongoDB, the pages of the servers that it knew last.
 */
export function createIsolationWatch(deps: IsolationWatchDeps): IsolationWatch {
  const { processes, reach, askPage, self, clock, logger, judged } = deps;
  let isolation: Isolation = NOT_ISOLATED;
  let pages: readonly string[] = [];
  let told: string | undefined;
  let looks = 0;
  let isStopped = false;
  let cancel: Cancel = () => undefined;

  async function readOthers(): Promise<readonly SeenServer[]> {
    try {
      const seen = await withDeadline(processes.servers(KNOWN_WITHIN_MS), READ_MS, "the heartbeats", clock);
      const known = pagesOf(seen, self);
      if (known.length !== pages.length)
        logger.debug(
          { component: "server", pages: known.length },
          "the health pages of other servers are known",
        );
      pages = known;
      return seen;
    } catch {
      return [];
    }
  }

  async function askOthers(): Promise<boolean> {
    const asked = nextAsked(pages, told, looks);
    const answers = await Promise.all(asked.map(askPage));
    told = asked[answers.indexOf(true)];
    return told !== undefined;
  }

  async function isAlone(): Promise<boolean> {
    const lost = STORES.filter((store) => reach.lostMs(store) !== undefined);
    if (lost.includes("mongodb")) return askOthers();
    if (lost.length > 0) return reachesBoth(await readOthers(), self);
    if (looks % READ_EVERY_LOOKS === 0) await readOthers();
    return false;
  }

  async function look(): Promise<void> {
    const isAloneNow = await isAlone();
    if (isStopped) return;
    isolation = judgeIsolation(isolation, isAloneNow, clock.elapsed());
    looks += 1;
    judged(isolation.isIsolated);
    cancel = clock.after(LOOK_EVERY_MS, again);
  }

  const again = () => void look();

  return {
    start: again,
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
