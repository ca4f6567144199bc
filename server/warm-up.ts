import type { CampaignCache } from "../claims/campaign-cache.ts";
import type { StoreBreakers } from "../claims/store-breakers.ts";
import type { Config } from "../runtime/config.ts";
import type { App } from "./app.ts";
import type { SharedParts } from "./shared-parts.ts";
import { removeShadow } from "./warm-up/shadow.ts";
import { type WarmUpDeps, warmUp } from "./warm-up/warm-up.ts";
import { createWarmUpWatch } from "./warm-up/warm-up-watch.ts";

/** A claim of a warm-up is given up after so long, in ms. */
const CLAIM_MOST_MS = 2_000;

/**
 * Warms the claim path of this process up before each start, unless the settings turn that off. `stopping`
 * cuts a warm-up off at once. The returned function waits for its end: the transports have drained by then,
 * as no caller is to wait for it.
 */
export function startWarmUps(
  config: Config,
  parts: SharedParts,
  of: { breakers: StoreBreakers; campaignCache: CampaignCache; spare: App["spare"] },
  stopping: AbortSignal,
): () => Promise<void> {
  if (config.WARM_UP === "off") return async () => undefined;
  const { breakers, campaignCache, spare } = of;
  const { issuances, pool, warmUps, shadowPool, tally } = parts;
  const deps: WarmUpDeps = {
    ...{ ...parts, spare },
    claimBatchMax: config.CLAIM_BATCH_MAX,
    queueMax: config.CLAIM_QUEUE_MAX,
    commitsInFlightMax: config.COMMITS_IN_FLIGHT_MAX,
    // Nothing of it is shed.
    waitTargetMs: CLAIM_MOST_MS,
    commitDeadlineMs: Math.min(CLAIM_MOST_MS, config.COMMIT_DEADLINE_MS),
    issueDeadlineMs: Math.min(CLAIM_MOST_MS, config.ISSUE_DEADLINE_MS),
    // The campaign's own pages of MongoDB's indexes, its node of Redis, and its place in the cache.
    look: (id) =>
      Promise.all([
        campaignCache.find(id),
        issuances.findByClaimKey(id, ""),
        issuances.last(id),
        pool.inspect(id),
        pool.frontier(id),
      ]),
  };
  const watch = createWarmUpWatch({
    ...parts,
    warmUp: (campaign, measure, until) => warmUp(deps, campaign, measure, until),
    removeShadow: (left) => removeShadow({ warmUps, shadowPool }, left),
    answers: tally.total,
    // Not where one campaign's documents alone are in trouble.
    isStoreAway: () =>
      breakers.commits.holdsBack() || breakers.holdsBack("reads") || breakers.holdsBack("pools"),
  });
  // The signal to stop came while the transports began.
  if (stopping.aborted) return async () => undefined;
  stopping.addEventListener("abort", () => void watch.stop(), { once: true });
  watch.start();
  return () => watch.stop();
}
