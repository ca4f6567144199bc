import type { CampaignDoc } from "../record/documents.ts";
import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Delivery, Step } from "./delivery.ts";

/** A campaign as the lanes see it. */
export type SeenCampaign = Pick<CampaignDoc, "_id" | "state" | "revision" | "settling">;

/**
 * The campaigns of one sink side by side, each in order: a step of one follows the other. Decides when the
 * next step is due.
 */
export type Lanes = {
  /** A campaign may have news, or is new. */
  see(campaign: SeenCampaign): void;
  /** Steps at once, whatever was planned. */
  wake(campaignId: string): void;
  /** Starts no step any more; resolves when those under way have ended. */
  stop(): Promise<void>;
  readonly size: number;
};

export type LanesDeps = {
  readonly clock: Clock;
  readonly open: (campaignId: string) => Delivery;
  /** Another process delivers to the sink. */
  readonly onLost: () => void;
  /** A step failed, other than by its sink. */
  readonly onTrouble: (error: unknown) => void;
};

/** Steps under way at once. */
const AT_ONCE = 8;
/** A campaign is looked at so often while it issues, and so often else, in ms. */
const BUSY_LOOK_MS = 200;
const OPEN_LOOK_MS = 1_000;
/** Before the sale: changes are seen with the list of campaigns. */
const QUIET_LOOK_MS = 15_000;
const BEFORE_SALE: readonly CampaignDoc["state"][] = ["GENERATING", "SCHEDULED"];
/** So long after the last news a campaign counts as busy. */
const BUSY_FOR_MS = 5_000;
const TROUBLE_PAUSE_MS = 1_000;

type Lane = {
  readonly deliver: Delivery;
  sight: string;
  cancel: Cancel;
  isRunning: boolean;
  /** A look was asked for while a step was under way. */
  isAsked: boolean;
  newsAtMs: number;
};

export function createLanes({ clock, open, onLost, onTrouble }: LanesDeps): Lanes {
  const lanes = new Map<string, Lane>();
  const ready: string[] = [];
  const underWay = new Set<Promise<void>>();
  let isStopped = false;

  function startReady(): void {
    while (!isStopped && underWay.size < AT_ONCE) {
      const campaignId = ready.shift();
      if (campaignId === undefined) return;
      const running = run(campaignId).finally(() => {
        underWay.delete(running);
        startReady();
      });
      underWay.add(running);
    }
  }

  function enqueue(campaignId: string): void {
    const lane = lanes.get(campaignId);
    if (lane === undefined || isStopped) return;
    lane.cancel();
    if (lane.isRunning) lane.isAsked = true;
    else if (!ready.includes(campaignId)) ready.push(campaignId);
    startReady();
  }

  function after(campaignId: string, lane: Lane, ms: number): void {
    if (!isStopped) lane.cancel = clock.after(ms, () => enqueue(campaignId));
  }

  function plan(campaignId: string, lane: Lane, step: Step): void {
    const nowMs = clock.elapsed();
    if (step.kind === "again") lane.newsAtMs = nowMs;
    if (step.kind === "lost") onLost();
    else if (step.kind === "done" && !lane.isAsked) lanes.delete(campaignId);
    else if (step.kind === "again" || step.kind === "done" || lane.isAsked) after(campaignId, lane, 0);
    else if (step.kind === "wait") after(campaignId, lane, step.ms);
    else if (step.kind === "idle" && BEFORE_SALE.includes(step.state)) after(campaignId, lane, QUIET_LOOK_MS);
    else after(campaignId, lane, nowMs - lane.newsAtMs < BUSY_FOR_MS ? BUSY_LOOK_MS : OPEN_LOOK_MS);
    lane.isAsked = false;
  }

  async function run(campaignId: string): Promise<void> {
    const lane = lanes.get(campaignId);
    if (lane === undefined) return;
    lane.isRunning = true;
    try {
      const step = await lane.deliver();
      lane.isRunning = false;
      plan(campaignId, lane, step);
    } catch (error) {
      lane.isRunning = false;
      onTrouble(error);
      after(campaignId, lane, TROUBLE_PAUSE_MS);
    }
  }

  return {
    see({ _id: campaignId, state, revision = 0, settling = false }) {
      const sight = `${state} ${revision} ${settling}`;
      const known = lanes.get(campaignId);
      if (known === undefined) {
        const lane = { sight, isRunning: false, isAsked: false, newsAtMs: Number.NEGATIVE_INFINITY };
        lanes.set(campaignId, { ...lane, deliver: open(campaignId), cancel: () => undefined });
      } else if (known.sight === sight) return;
      else known.sight = sight;
      enqueue(campaignId);
    },
    wake: enqueue,
    async stop() {
      isStopped = true;
      for (const lane of lanes.values()) lane.cancel();
      await Promise.allSettled([...underWay]);
    },
    get size() {
      return lanes.size;
    },
  };
}
