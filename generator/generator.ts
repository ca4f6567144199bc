import { LeaseLost, type LeaseOptions, takeLease } from "../campaign/lease.ts";
import type { Restore } from "../campaign/restore.ts";
import { topUpPool } from "../campaign/top-up.ts";
import { DEFAULT_CODE_FORMAT, parseCodeFormat } from "../codes/code-format.ts";
import { createCodeMaker } from "../codes/code-maker.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Commitments } from "../record/commitments.ts";
import type { Coupons } from "../record/coupons.ts";
import type { History } from "../record/history.ts";
import { RehearsalRemoved } from "../record/still-exists.ts";
import type { Logger } from "../runtime/logger.ts";
import { inSpan, NO_TRACER, type Tracer } from "../runtime/tracer.ts";
import { commitCodes } from "./commit.ts";
import { fillCampaign } from "./fill.ts";
import { createFillPace, UNTHROTTLED } from "./fill-pace.ts";

export type GeneratorDeps = LeaseOptions & {
  campaigns: Campaigns;
  pool: Pool;
  coupons: Coupons;
  commitments: Commitments;
  history: History;
  restore: Restore;
  logger: Logger;
  tracer?: Tracer;
  /** Whether servers on the same stores answer callers. Default: none does. */
  isBusy?: () => Promise<boolean>;
};

export type Generator = {
  /** Starts the loop that looks for work; returns at once. */
  start(): void;
  /**
   * Begins no new step; resolves when the one under way has ended. Another generator continues the rest.
   */
  stop(): Promise<void>;
};

const LOOK_EVERY_MS = 200;
const AFTER_TROUBLE_MS = 1_000;
/** The longest pause of a campaign that fails again and again; it doubles with each failure. */
const TROUBLE_MOST_MS = 60_000;
/** Steps of codes made for one campaign before the one with the soonest start is looked up again. */
const STEPS_A_TURN = 2;
/** The same for chunks of 1,024 hashed codes. */
const CHUNKS_A_TURN = 64;

/**
 * Takes campaigns from GENERATING to SCHEDULED, and makes the codes of coupons that were added; any number of
 * generators may run. Works in turns of about a second, each for the campaign with the soonest start, so that
 * a small campaign does not wait for one with millions of codes that starts next week.
 */
export function createGenerator(deps: GeneratorDeps): Generator {
  const { campaigns, coupons, commitments, history, restore, clock, owner, tracer = NO_TRACER } = deps;
  const logger = deps.logger.child({ component: "generator" });
  const pace = deps.isBusy === undefined ? UNTHROTTLED : createFillPace({ clock, isBusy: deps.isBusy });
  let stopped = false;
  let loop: Promise<void> | undefined;
  let wake: () => void = () => undefined;

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /**
   * When a campaign that failed is tried again, and how long its pause is. Deleted when it succeeds.
   */
  const resting = new Map<string, { untilMs: number; restMs: number }>();

  /**
   * Makes codes, and commits the campaign to them; false: not all is done yet. Once that is so for the codes
   * of added coupons, they count in `total`.
   */
  async function fill(campaignId: string): Promise<boolean> {
    const lease = await takeLease(deps, campaignId, "fill");
    if (lease === undefined) return false;
    const { total, adding, codeFormat, generated, imported } = lease.campaign;
    // Imported codes exist since before the campaign, and none is ever made: the format is not used.
    const parsed = parseCodeFormat(imported === undefined ? codeFormat : DEFAULT_CODE_FORMAT.pattern);
    if (!parsed.ok)
      throw new Error(`campaign ${campaignId} is stored with a bad code format: ${parsed.message}`);
    if (generated === 0) logger.info({ campaign: campaignId, total }, "making codes");
    if (adding !== undefined && generated <= total)
      logger.info({ campaign: campaignId, total, adding: adding.count }, "making codes of added coupons");
    const keep = async () => {
      if (stopped) throw new LeaseLost(`campaign ${campaignId} is left to another generator: this one stops`);
      await lease.keep();
    };
    try {
      const makeCode = createCodeMaker(parsed.format);
      const held = { ...lease, keep };
      const done = await inSpan(
        tracer.beginRare("make", campaignId),
        async () =>
          (await fillCampaign({ campaigns, coupons, clock, pace }, held, makeCode, STEPS_A_TURN)) &&
          (await commitCodes({ campaigns, coupons, commitments }, held, CHUNKS_A_TURN)),
        (isDone) => ({ outcome: isDone ? "all" : "more" }),
      );
      if (done && adding !== undefined) {
        if ((await campaigns.finishAdding(campaignId, owner, adding.count)) === null)
          throw new LeaseLost(`campaign ${campaignId} was taken over while coupons were added`);
        logger.info({ campaign: campaignId, added: adding.count }, "the codes of the added coupons are made");
      }
      return done;
    } finally {
      await lease.drop();
    }
  }

  async function generate(campaignId: string): Promise<void> {
    if (!(await fill(campaignId))) return;
    const outcome = await restore(campaignId);
    if (outcome !== "loaded" && outcome !== "healthy" && outcome !== "turned") {
      logger.info({ campaign: campaignId, outcome }, "the pool is not loaded yet");
      rest(campaignId, LOOK_EVERY_MS);
      return;
    }
    // A pool that existed already lacks the codes of coupons that were added since.
    const toppedUp = await topUpPool(deps, campaignId);
    if (toppedUp === "later") logger.info({ campaign: campaignId }, "the pool is not topped up yet");
    resting.delete(campaignId);
    if (
      await campaigns.advance(campaignId, ["GENERATING"], "SCHEDULED", { by: "generator", verb: "schedule" })
    ) {
      logger.info({ campaign: campaignId }, "all codes are made and loaded: scheduled");
    }
    await history.flush(campaignId);
  }

  function rest(campaignId: string, leastMs: number): void {
    const restMs = Math.min(TROUBLE_MOST_MS, Math.max(leastMs, 2 * (resting.get(campaignId)?.restMs ?? 0)));
    resting.set(campaignId, { untilMs: clock.now() + restMs, restMs });
  }

  function restingNow(): string[] {
    const nowMs = clock.now();
    return [...resting].filter(([, { untilMs }]) => untilMs > nowMs).map(([campaignId]) => campaignId);
  }

  async function turn(): Promise<void> {
    const next = await campaigns.nextToGenerate(restingNow());
    if (next === null) return pause(LOOK_EVERY_MS);
    try {
      await generate(next._id);
    } catch (error) {
      rest(next._id, AFTER_TROUBLE_MS);
      throw error;
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await turn();
      } catch (error) {
        if (error instanceof LeaseLost || error instanceof RehearsalRemoved) logger.info(error.message);
        else logger.warn({ err: error }, "generating was interrupted; it goes on by itself");
        if (!stopped) await pause(LOOK_EVERY_MS);
      }
    }
  }

  return {
    start() {
      loop ??= run();
    },
    async stop() {
      stopped = true;
      wake();
      await loop;
    },
  };
}
