import type { ClaimAuth } from "../access/claim-auth.ts";
import type { Limits } from "../access/limits.ts";
import { openAuditor } from "../audit/stores/auditor.ts";
import { createChangeCampaign } from "../campaign/change-campaign.ts";
import { createCampaignCache } from "../claims/campaign-cache.ts";
import { createClaimGuard } from "../claims/claim-guard.ts";
import { createClaimer } from "../claims/claimer.ts";
import { createIssueCoupon } from "../claims/issue-coupon.ts";
import { createRecall } from "../claims/recall.ts";
import { createStoreBreakers } from "../claims/store-breakers.ts";
import { createSweeper } from "../claims/sweeper.ts";
import { createIssueRate } from "../record/issue-rate.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { ListenerAddresses } from "../runtime/listeners.ts";
import { createClaimAuthOf } from "./claim-auth.ts";
import { createClaimHookOf, createLimitsOf } from "./claim-guard.ts";
import { createOperatorAuthOf } from "./operator-auth.ts";
import { createCampaignService } from "./rpc/campaign-service.ts";
import { createCampaignStatus } from "./rpc/campaign-status.ts";
import { createCouponService } from "./rpc/coupon-service.ts";
import type { SharedParts } from "./shared-parts.ts";
import { startTransports } from "./transports.ts";
import { createLiveView } from "./view/live-view.ts";
import { createProcessLook } from "./watch/process-look.ts";
import type { WorkerSlot } from "./worker-slot.ts";

export type ServerRole = {
  readonly addresses: ListenerAddresses;
  /** What /metrics answers with. */
  readonly metricsPage: () => Promise<string>;
};

/**
 * Starts the claim path of this process, and the sweeper, which finishes claims that crashed servers left.
 */
function startClaims(
  config: Config,
  parts: SharedParts,
  { claimAuth, limits }: { readonly claimAuth: ClaimAuth; readonly limits: Limits | undefined },
  lifecycle: Lifecycle,
) {
  const { campaigns, pool, clock, mongoFacts } = parts;
  const breakers = createStoreBreakers({
    ...parts,
    commitStallMs: config.COMMIT_STALL_MS,
    storeStallMs: config.STORE_STALL_MS,
    probes: {
      write: () => mongoFacts.write(config.COMMIT_STALL_MS),
      read: () => campaigns.find(""),
      pool: (campaignId) => pool.inspect(campaignId),
    },
  });
  const claimer = createClaimer({
    ...parts,
    breakers,
    claimBatchMax: config.CLAIM_BATCH_MAX,
    queueMax: config.CLAIM_QUEUE_MAX,
    commitsInFlightMax: config.COMMITS_IN_FLIGHT_MAX,
    commitDeadlineMs: config.COMMIT_DEADLINE_MS,
    issueDeadlineMs: config.ISSUE_DEADLINE_MS,
  });
  lifecycle.onRelease("claims under way", () => claimer.idle());
  const sweeper = createSweeper({ ...parts, claimer, sweepAfterMs: config.SWEEP_AFTER_MS });
  lifecycle.onRelease("sweeper", () => sweeper.stop());
  sweeper.start();
  const campaignCache = createCampaignCache(
    { find: (id) => breakers.reads.ask(() => campaigns.find(id)) },
    clock,
  );
  const recall = createRecall({ ...parts, claimer, reads: breakers.reads });
  const issueCoupon = createIssueCoupon({
    ...parts,
    claimer,
    guard: createClaimGuard({ ...parts, claimer, limits, recall, hook: createClaimHookOf(config, parts) }),
    campaignCache,
    claimAuth,
    issueDeadlineMs: config.ISSUE_DEADLINE_MS,
  });
  return { breakers, claimer, campaignCache, issueCoupon };
}

/** Serves callers and operators. @throws UserError when a port is taken */
export async function startServerRole(
  config: Config,
  parts: SharedParts,
  lifecycle: Lifecycle,
  { metricsPage: pageOf, localKeySha256 }: Pick<WorkerSlot, "metricsPage" | "localKeySha256">,
): Promise<ServerRole> {
  const { campaigns, pool, clock, metrics } = parts;
  const claimAuth = await createClaimAuthOf(config, parts);
  const { limits, countLookUp } = createLimitsOf(config, parts);
  const { breakers, claimer, campaignCache, issueCoupon } = startClaims(
    ...([config, parts, { claimAuth, limits }, lifecycle] as const),
  );
  const ending = { stopping: new AbortController(), draining: new AbortController() };
  const draining = ending.draining.signal;
  const { reads } = breakers;
  const liveView = createLiveView(campaigns, pool, breakers, clock);
  const campaignStatus = createCampaignStatus({ liveView, campaignCache, clock });
  const metricsPage = pageOf(() => {
    // These gauges are set when the page is made, not at each change.
    for (const [queue, size] of Object.entries(claimer.sizes())) metrics.queueDepth.set({ queue }, size);
    metrics.queueLimit.set(config.CLAIM_QUEUE_MAX);
    metrics.breakerOpen.set(claimer.holdsBack() ? 1 : 0);
    return metrics.registry;
  });
  const addresses = await startTransports({
    ...{ ...parts, config, lifecycle, ending, metricsPage },
    couponService: createCouponService({
      ...{ ...parts, issueCoupon, campaignCache, claimAuth, campaignStatus, reads, countLookUp },
    }),
    countLookUp,
    campaignService: createCampaignService({
      ...{ ...parts, claimAuth, liveView, draining, reads },
      changeCampaign: createChangeCampaign(parts),
      issueRate: createIssueRate(parts.db),
      processLook: createProcessLook(parts.processes, clock),
      openAuditor: () =>
        openAuditor({
          redisUrl: config.REDIS_URL,
          mongodbUrl: config.MONGODB_URL,
          database: config.MONGODB_DATABASE,
          timings: { insertDeadlineMs: config.COMMIT_DEADLINE_MS, leaseMs: config.LEASE_MS },
        }),
    }),
    ...{ issueCoupon, campaignStatus },
    authenticateOperator: createOperatorAuthOf({ ...config, localKeySha256 }, parts, lifecycle),
    operatorHosts: config.OPERATOR_HOSTS,
  });
  return { addresses, metricsPage };
}
