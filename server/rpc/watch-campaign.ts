import type { ServiceImpl } from "@connectrpc/connect";
import { validCampaignId } from "../../campaign/valid.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { History } from "../../record/history.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Preflights } from "../../record/preflights.ts";
import { type Clock, sleepUnless } from "../../runtime/clock.ts";
import { createSharedLook } from "../../runtime/shared-look.ts";
import { createTurns } from "../http/turns.ts";
import type { LiveView } from "../view/live-view.ts";
import { createBeats } from "../watch/beats.ts";
import { createOnlooker } from "../watch/onlooker.ts";
import type { ProcessLook } from "../watch/process-look.ts";
import { throwIfGone } from "./caller-gone.ts";
import { createRefuse } from "./refuse.ts";
import { toConnectError } from "./rpc-status.ts";
import { validCount } from "./validation.ts";

export type WatchCampaign = Pick<ServiceImpl<typeof CampaignService>, "watchCampaign">;

export type WatchCampaignDeps = {
  issuances: Pick<Issuances, "count">;
  preflights: Pick<Preflights, "latest">;
  history: Pick<History, "list" | "listAfter">;
  processLook: ProcessLook;
  liveView: LiveView;
  clock: Clock;
  /** Fires when the server drains: streams end then. */
  draining: AbortSignal;
};

const INTERVAL_MS = { least: 100, most: 60_000, whenZero: 1_000 } as const;
/** The most streams of one process; further callers must ask another server. */
export const WATCHERS_MAX = 100;
/** So many streams make and send a message in one turn of the event loop; claims are served in between. */
const SNAPSHOTS_PER_TURN = 4;
/** How many preflights are read: more than the scheduler makes before one start. */
const PREFLIGHTS_MAX = 4;
/** The greatest value of its field. */
const REVISION_MAX = 2 ** 31 - 1;
/** A primary that is cut off steps down within `electionTimeoutMillis`, 10 s. */
const REVISION_PATIENCE_MS = 12_000;
const REVISION_LOOK_MS = 250;
const PREFLIGHTS_FRESH_MS = 1_000;
/** Counting a million issuances takes MongoDB a while. */
const ISSUED_FRESH_MS = 1_000;

/**
 * The operators' WatchCampaign: each stream reads the views that all share, and keeps its own last snapshot.
 */
export function createWatchCampaign(deps: WatchCampaignDeps): WatchCampaign {
  const { issuances, preflights, clock, draining } = deps;
  const preflightLook = createSharedLook(
    (campaignId) => preflights.latest(campaignId, PREFLIGHTS_MAX),
    PREFLIGHTS_FRESH_MS,
    clock,
  );
  const issuedLook = createSharedLook((campaignId) => issuances.count(campaignId), ISSUED_FRESH_MS, clock);
  const beats = createBeats(clock);
  const turns = createTurns({
    perTurn: SNAPSHOTS_PER_TURN,
    waitingMax: WATCHERS_MAX,
    refuse: () => undefined,
  });
  /** Many streams get one answer of the stores at a time: each goes on with it in its turn. */
  const liveView: Pick<LiveView, "look"> = {
    async look(...asked) {
      const seen = await deps.liveView.look(...asked);
      await turns.turn(() => false);
      return seen;
    },
  };
  let watchers = 0;

  const { orRefuse } = createRefuse(clock);

  /**
   * Waits until MongoDB has this revision, which the caller has seen. A MongoDB primary that was replaced and
   * has not stepped down yet may lag behind, for the time of an election: only after that is it refused.
   */
  async function untilReached(campaignId: string, revision: number, leaving: AbortSignal): Promise<void> {
    const refusedAtMs = clock.elapsed() + REVISION_PATIENCE_MS;
    while (!leaving.aborted) {
      const seen = await deps.liveView.look(campaignId, revision);
      const newest = seen?.campaign.revision ?? 0;
      if (seen === null || newest >= revision) return;
      if (clock.elapsed() >= refusedAtMs) {
        const allowed = `must be a revision of this campaign: ${newest} at most, not ${revision}`;
        throw toConnectError({ reason: "INVALID", field: "after_revision", allowed }, clock.now());
      }
      await sleepUnless(clock, REVISION_LOOK_MS, leaving);
    }
  }

  return {
    async *watchCampaign(request, context) {
      const { least, most, whenZero } = INTERVAL_MS;
      const intervalMs = orRefuse(validCount("interval_ms", request.intervalMs, least, most, whenZero));
      const campaignId = orRefuse(validCampaignId(request.campaignId));
      const afterRevision =
        request.afterRevision === undefined
          ? undefined
          : orRefuse(validCount("after_revision", request.afterRevision, 0, REVISION_MAX, 0));
      if (watchers >= WATCHERS_MAX) {
        const why = `${WATCHERS_MAX} streams watch campaigns on this server already; ask another one`;
        throw toConnectError({ reason: "OVERLOADED", why }, clock.now());
      }
      const look = createOnlooker(campaignId, {
        ...deps,
        liveView,
        preflightLook,
        issuedLook,
        afterRevision,
      });
      const leaving = AbortSignal.any([context.signal, draining]);
      watchers++;
      try {
        if (afterRevision !== undefined) await untilReached(campaignId, afterRevision, leaving);
        while (!leaving.aborted) {
          const seen = await look();
          if (seen === null) throw toConnectError({ reason: "UNKNOWN_CAMPAIGN" }, clock.now());
          yield seen.message;
          if (seen.message.isOver && !request.keepOn) return;
          if (!seen.isBehind) await beats.next(intervalMs, leaving);
        }
        throwIfGone(context.signal);
      } finally {
        watchers--;
      }
    },
  };
}
