import { isRehearsalId } from "../record/campaign-id.ts";
import type { CursorDoc, SinkDoc } from "../record/event-documents.ts";
import type { SinkCursors } from "../record/sink-cursors.ts";
import type { SinkLeases } from "../record/sink-leases.ts";
import { createDelivery, type DeliveryDeps, type SinkAtWork } from "./delivery.ts";
import { createLanes, type SeenCampaign } from "./lanes.ts";
import { type ReplayDeps, replay } from "./replay.ts";
import type { Sink } from "./sink.ts";
import { wantedOf } from "./wanted.ts";

/** Delivers the events of all campaigns to one sink, as long as this process has its lease. */
export type SinkRunner = {
  readonly doc: SinkDoc;
  /** A campaign may have news for the sink. */
  see(campaign: SeenCampaign): void;
  /** Whether all events of a campaign, as it is now, have been delivered. */
  isDone(campaign: SeenCampaign): boolean;
  /** Renews the lease; false: the runner has ended, and must be stopped. */
  renew(): Promise<boolean>;
  /** Delivers the dead letters that are to be replayed. */
  replay(): Promise<void>;
  /** Ends deliveries under way, gives the lease back and closes the sink. */
  stop(): Promise<void>;
};

export type SinkRunnerDeps = DeliveryDeps &
  ReplayDeps & {
    readonly leases: Pick<SinkLeases, "takeLease" | "dropLease">;
    readonly cursors: SinkCursors;
    readonly owner: string;
    readonly leaseMs: number;
  };

/** A lease counts as over so long before it is, because a delivery may begin just before. */
const LEASE_MARGIN = 0.25;

export type RunnerOf = {
  readonly doc: SinkDoc;
  readonly sink: Sink;
  readonly cursors: readonly CursorDoc[];
  /** When the lease was asked for, on the clock's `elapsed`. */
  readonly heldSinceMs: number;
};

export function createSinkRunner(
  deps: SinkRunnerDeps,
  { doc, sink, cursors, heldSinceMs }: RunnerOf,
): SinkRunner {
  const { leases, clock, owner, leaseMs, figures, logger } = deps;
  const { _id: name, key, term } = doc;
  /** By campaign, the revision up to which all was delivered. */
  const done = new Map<string, number>();
  for (const { campaignId, doneRevision } of cursors)
    if (doneRevision !== undefined) done.set(campaignId, doneRevision);
  const ending = new AbortController();
  let heldUntilMs = heldSinceMs + leaseMs * (1 - LEASE_MARGIN);
  let isLost = false;
  let isFailing = false;
  let replaying: Promise<void> | undefined;

  const atWork: SinkAtWork = {
    ...{ doc, sink, wanted: wantedOf(doc), signal: ending.signal },
    holds: () => !isLost && !ending.signal.aborted && clock.elapsed() < heldUntilMs,
  };
  const lanes = createLanes({
    clock,
    open(campaignId) {
      const deliver = createDelivery(deps, atWork, campaignId);
      return async () => {
        const step = await deliver();
        isFailing = false;
        if (step.kind === "done") done.set(campaignId, step.revision);
        return step;
      };
    },
    onLost() {
      isLost = true;
    },
    onTrouble(error) {
      if (!isFailing) logger.warn({ sink: name, err: error }, "events cannot be delivered; trying again");
      isFailing = true;
    },
  });

  return {
    doc,
    see(campaign) {
      if (isRehearsalId(campaign._id) || (doc.campaignId ?? campaign._id) !== campaign._id) return;
      done.delete(campaign._id);
      lanes.see(campaign);
    },
    isDone: ({ _id, revision = 0 }) => isRehearsalId(_id) || done.get(_id) === revision,
    async renew() {
      if (isLost) return false;
      const askedAtMs = clock.elapsed();
      const renewed = await leases.takeLease(name, owner, leaseMs, figures.reportOf(name));
      const isSame = renewed?.key === key && renewed.term === term;
      // Other settings, or other events: the sink is opened anew.
      if (!isSame || setUpOf(renewed) !== setUpOf(doc)) return false;
      heldUntilMs = askedAtMs + leaseMs * (1 - LEASE_MARGIN);
      return true;
    },
    async replay() {
      replaying ??= replay(deps, atWork).finally(() => {
        replaying = undefined;
      });
      await replaying;
    },
    async stop() {
      ending.abort();
      await Promise.allSettled([lanes.stop(), replaying]);
      figures.forget(name);
      await Promise.allSettled([sink.close(), leases.dropLease(name, owner)]);
    },
  };
}

const setUpOf = ({ settings, types, thresholds }: SinkDoc): string =>
  JSON.stringify([settings, types, thresholds]);
