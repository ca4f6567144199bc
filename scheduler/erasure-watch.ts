import type { createResumeErasure } from "../campaign/erasure/resume-erasure.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Erasures } from "../record/erasures.ts";
import type { History } from "../record/history.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import { forgetAtMs } from "./forget-at.ts";
import { createTick } from "./tick.ts";

export type ErasureWatchDeps = {
  readonly campaigns: Pick<Campaigns, "toForget">;
  readonly erasures: Pick<Erasures, "begin">;
  readonly history: Pick<History, "list">;
  readonly erasure: Pick<ReturnType<typeof createResumeErasure>, "resumeNext">;
  /** The clock of MongoDB, in ms: no process decides by its own how many days have passed. */
  readonly mongoNowMs: () => Promise<number>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
};

/**
 * Goes on with erasures whose process has not been heard of, and begins those of campaigns that are over for
 * as many days as they say. One at a time in a process.
 */
export type ErasureWatch = {
  start(): void;
  /** One look; the tick calls this. */
  look(): Promise<void>;
  stop(): Promise<void>;
};

const PAGE = 200;
const HISTORY_PAGE = 200;
/** How often campaigns are looked for whose days have passed, in looks. */
const FORGET_EVERY = 30;

export function createErasureWatch(deps: ErasureWatchDeps): ErasureWatch {
  const { campaigns, erasures, history, erasure, mongoNowMs, clock, owner } = deps;
  const logger = deps.logger.child({ component: "scheduler" });
  const stopping = new AbortController();
  let looks = 0;

  /** When a campaign that is over became so; undefined: its history does not say. */
  async function overSince({ _id, state }: CampaignDoc): Promise<number | undefined> {
    let overAtMs: number | undefined;
    for (let before: number | undefined; ; ) {
      const page = await history.list(_id, before, HISTORY_PAGE);
      for (const { after, at, happenedAt } of page) {
        if (after.state !== state) return overAtMs;
        overAtMs = (happenedAt ?? at).getTime();
      }
      before = page.at(-1)?.revision;
      if (page.length < HISTORY_PAGE) return overAtMs;
    }
  }

  /** Any number of schedulers may do so at once: an erasure of a whole campaign has one id. */
  async function beginDue(): Promise<void> {
    const nowMs = await mongoNowMs();
    for (let after = ""; ; ) {
      const page = await campaigns.toForget(after, PAGE);
      for (const campaign of page) {
        const atMs = forgetAtMs(campaign, await overSince(campaign));
        if (atMs === undefined || nowMs < atMs) continue;
        const { _id: campaignId } = campaign;
        const job = { _id: `${campaignId}/everyone`, campaignId, actor: "scheduler" };
        // Without a lease: whichever scheduler looks next takes it.
        await erasures.begin(job, owner, 0);
      }
      after = page.at(-1)?._id ?? "";
      if (page.length < PAGE) return;
    }
  }

  async function look(): Promise<void> {
    if (looks++ % FORGET_EVERY === 0) await beginDue();
    while (!stopping.signal.aborted && (await erasure.resumeNext(stopping.signal)));
  }

  const round = troubleOnce(
    async () => {
      await look().catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    },
    {
      failed: (error) =>
        logger.warn({ err: error }, "users could not be erased; the next look goes on with them"),
      recovered: () => logger.info("users are erased again"),
    },
  );

  const ticking = createTick(clock, logger, round);
  return {
    start: ticking.start,
    look,
    async stop() {
      stopping.abort();
      await ticking.stop();
    },
  };
}
