import { readingOf } from "../campaign/campaign-reading.ts";
import { makingMs } from "../campaign/preflight/check-start.ts";
import { type Colour, duration, type Line } from "../campaign/preflight/line.ts";
import type { Preflight, Report } from "../campaign/preflight/preflight.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { PreflightTurn } from "../record/preflight-documents.ts";
import { type Preflights, preflightId } from "../record/preflights.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import { createTick } from "./tick.ts";

/** How long before each start the scheduler makes a preflight, in ms, in the order in which they come. */
export const MOMENTS_MS: readonly number[] = [600_000, 60_000, 10_000];

/**
 * The last of the moments that has come. A scheduler that was not running makes up for that one only.
 */
export function dueMoment(nowMs: number, startsAtMs: number): number | undefined {
  const leftMs = startsAtMs - nowMs;
  return leftMs > 0 ? MOMENTS_MS.findLast((momentMs) => leftMs <= momentMs) : undefined;
}

/**
 * The same findings are not logged again within so long, in ms: two moments may come close together, and so
 * may a preflight and a change of the campaign.
 */
const TOLD_AGAIN_AFTER_MS = 5_000;

/** So long before the start, a preflight is made in any case, in ms. */
const LAST_LOOK_MS = 5_000;
/** How long a generator may take to begin with a new campaign, in ms. */
const TAKEN_UP_MS = 5_000;

/**
 * Whether the campaign was just created and its codes are still being made in good time: a preflight would
 * find nothing ready, and that is no fault.
 */
export function isJustBeingMade(
  { state, total, createdAt, startsAt }: Pick<CampaignDoc, "state" | "total" | "createdAt" | "startsAt">,
  nowMs: number,
): boolean {
  if (state !== "GENERATING" || startsAt.getTime() - nowMs <= LAST_LOOK_MS) return false;
  return nowMs - createdAt.getTime() <= TAKEN_UP_MS + makingMs(total);
}

export type StartWatchDeps = {
  campaigns: Pick<Campaigns, "startingBetween" | "startedUnmade">;
  preflights: Pick<Preflights, "take" | "finish" | "giveBack" | "latest">;
  preflight: Preflight;
  clock: Clock;
  logger: Logger;
  metrics: Pick<Metrics, "campaigns">;
};

/** Makes preflights of the coming starts and logs every fault while there is time to repair it. */
export type StartWatch = {
  start(): void;
  /** One look; the tick calls this. Rejects when MongoDB cannot be asked. */
  look(): Promise<void>;
  stop(): Promise<void>;
};

const CAMPAIGNS_MAX = 100;
/** How many earlier preflights of a campaign are compared for repeated findings. */
const LATEST = 5;
/** Preflights under way at once. */
const AT_ONCE = 4;
const LEVELS = { green: "info", amber: "warn", red: "error" } as const satisfies Record<Colour, string>;

export function createStartWatch(deps: StartWatchDeps): StartWatch {
  const { campaigns, preflights, preflight, clock, metrics } = deps;
  const logger = deps.logger.child({ component: "scheduler" });
  /** By campaign, the preflight that is known to be taken; saves a query each second. */
  const seen = new Map<string, string>();

  function tell(campaign: CampaignDoc, report: Report): void {
    const { _id: id, name } = campaign;
    const leftMs = campaign.startsAt.getTime() - clock.now();
    const before = `preflight ${duration(Math.max(0, leftMs))} before the start`;
    const counts = { red: countOf(report.lines, "red"), amber: countOf(report.lines, "amber") };
    logger[LEVELS[report.colour]](
      { campaign: id, name, ...counts },
      `${before}: ${report.colour.toUpperCase()}`,
    );
    for (const { check, colour, finding, advice } of report.lines) {
      if (colour === "green") continue;
      logger[LEVELS[colour]](
        { campaign: id, check },
        `preflight ${colour.toUpperCase()} ${check}: ${finding}. ${advice}`,
      );
    }
  }

  /** Whether any scheduler just logged the same findings for the same start. */
  async function wasJustTold(turn: PreflightTurn, lines: readonly Line[]): Promise<boolean> {
    const sayingOf = (found: readonly { readonly check: string; readonly colour: string }[]) =>
      found.map(({ check, colour }) => `${check} ${colour}`).join();
    const before = await preflights.latest(turn.campaignId, LATEST);
    return before.some(
      (one) =>
        one.lines !== undefined &&
        one.startsAt.getTime() === turn.startsAt.getTime() &&
        clock.now() - one.at.getTime() < TOLD_AGAIN_AFTER_MS &&
        sayingOf(one.lines) === sayingOf(lines),
    );
  }

  async function check(campaign: CampaignDoc, beforeMs: number): Promise<void> {
    const { _id: campaignId, startsAt, revision = 0 } = campaign;
    const turn = { campaignId, startsAt, beforeMs, revision };
    if (seen.get(campaignId) === preflightId(turn)) return;
    const ours = await preflights.take(turn, new Date(clock.now()));
    seen.set(campaignId, preflightId(turn));
    if (!ours) return;
    try {
      const report = await preflight(campaignId);
      if (report === null) return;
      const lines = report.lines.filter(({ colour }) => colour !== "green");
      if (!(await wasJustTold(turn, lines))) tell(campaign, report);
      await preflights.finish(turn, { colour: report.colour, lines });
    } catch (error) {
      seen.delete(campaignId);
      // If this fails too, the next moment gets a preflight of its own.
      await preflights.giveBack(turn).catch(() => undefined);
      throw error;
    }
  }

  async function look(): Promise<void> {
    const nowMs = clock.now();
    const longest = Math.max(...MOMENTS_MS);
    const soon = await campaigns.startingBetween(new Date(nowMs), new Date(nowMs + longest), CAMPAIGNS_MAX);
    const unmade = soon.filter(({ state }) => state === "GENERATING");
    const late = await campaigns.startedUnmade(new Date(nowMs), CAMPAIGNS_MAX);
    for (const campaign of [...unmade, ...late])
      metrics.campaigns.note(readingOf(campaign, undefined, nowMs));
    const ids = new Set(soon.map(({ _id }) => _id));
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    const due = soon.flatMap((campaign) => {
      const beforeMs = dueMoment(nowMs, campaign.startsAt.getTime());
      return beforeMs === undefined || isJustBeingMade(campaign, nowMs) ? [] : [{ campaign, beforeMs }];
    });
    for (let i = 0; i < due.length; i += AT_ONCE) {
      const part = due.slice(i, i + AT_ONCE);
      const checked = await Promise.allSettled(
        part.map(({ campaign, beforeMs }) => check(campaign, beforeMs)),
      );
      const failed = checked.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  const round = troubleOnce(look, {
    failed: (error) =>
      logger.error(
        { err: error },
        "a preflight could not be made: it is unknown whether the campaign will open",
      ),
  });

  const ticking = createTick(clock, logger, round);
  return { start: ticking.start, look, stop: ticking.stop };
}

function countOf(lines: readonly Line[], wanted: Colour): number {
  return lines.filter(({ colour }) => colour === wanted).length;
}
