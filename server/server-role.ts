import type { ClaimAuth } from "../access/claim-auth.ts";
import type { Limits } from "../access/limits.ts";
import { openAuditor } from "../audit/stores/auditor.ts";
import { createChangeCampaign } from "../campaign/change-campaign.ts";
import { createSettledNow } from "../campaign/settled-issues.ts";
import { tracedChange } from "../campaign/traced-change.ts";
import { createAttemptLog } from "../claims/attempt-log.ts";
import { createCampaignCache } from "../claims/campaign-cache.ts";
import { createClaimGuard } from "../claims/claim-guard.ts";
import { createClaimer } from "../claims/claimer.ts";
import { createErasureMarks } from "../claims/erasure-marks.ts";
import { createHerd } from "../claims/herd.ts";
import { createIssueCoupon } from "../claims/issue-coupon.ts";
import { createRecall } from "../claims/recall.ts";
import { createRefusedCredentials, type RefusedCredentials } from "../claims/refused-credentials.ts";
import { BREAKERS, createStoreBreakers } from "../claims/store-breakers.ts";
import { createSweeper } from "../claims/sweeper.ts";
import { readSigningKey } from "../proof/signing-key.ts";
import { createIssueRate } from "../record/issue-rate.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { ListenerAddresses } from "../runtime/listeners.ts";
import type { App } from "./app.ts";
import { createClaimAuthOf } from "./claim-auth.ts";
import { createClaimHookOf, createLimitsOf } from "./claim-guard.ts";
import { createEventServiceOf } from "./event-service.ts";
import { publicMetrics } from "./http/public-metrics.ts";
import { createOperatorAuthOf } from "./operator-auth.ts";
import type { Readiness } from "./readiness/readiness.ts";
import { createRedemptionServiceOf } from "./redemption-service.ts";
import { createCampaignCommitments } from "./rpc/campaign-commitments.ts";
import { createCampaignService } from "./rpc/campaign-service.ts";
import { createCampaignStatus } from "./rpc/campaign-status.ts";
import { createCouponService } from "./rpc/coupon-service.ts";
import { createFindCoupon } from "./rpc/find-coupon.ts";
import { createProveIssuance } from "./rpc/issuance-proofs.ts";
import { createProofService } from "./rpc/proof-service.ts";
import { createReceipts } from "./rpc/receipts.ts";
import type { SharedParts } from "./shared-parts.ts";
import { startTransports } from "./transports.ts";
import { createLiveView } from "./view/live-view.ts";
import { startWarmUps } from "./warm-up.ts";
import { createBusyElsewhere } from "./watch/busy-elsewhere.ts";
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
async function startClaims(
  config: Config,
  parts: SharedParts,
  {
    claimAuth,
    limits,
    refusedCredentials,
  }: {
    readonly claimAuth: ClaimAuth;
    readonly limits: Limits | undefined;
    readonly refusedCredentials: RefusedCredentials;
  },
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
  const { HERD_RATE } = config;
  const marks = createErasureMarks(parts);
  const claimer = createClaimer({
    ...parts,
    breakers,
    marks,
    herd: HERD_RATE === "off" ? undefined : createHerd({ clock, ratePerSecond: HERD_RATE }),
    claimBatchMax: config.CLAIM_BATCH_MAX,
    queueMax: config.CLAIM_QUEUE_MAX,
    heldMax: config.CLAIMS_HELD_MAX,
    waitTargetMs: config.CLAIM_WAIT_TARGET_MS,
    commitsInFlightMax: config.COMMITS_IN_FLIGHT_MAX,
    commitDeadlineMs: config.COMMIT_DEADLINE_MS,
    issueDeadlineMs: config.ISSUE_DEADLINE_MS,
  });
  lifecycle.onRelease("claims under way", () => claimer.idle());
  const sweeper = createSweeper({ ...parts, claimer, breakers, sweepAfterMs: config.SWEEP_AFTER_MS });
  lifecycle.onRelease("sweeper", () => sweeper.stop());
  sweeper.start();
  const campaignCache = createCampaignCache(
    { find: (id) => breakers.reads.ask(() => campaigns.find(id)) },
    clock,
  );
  const recall = createRecall({ ...parts, claimer, marks, reads: breakers.reads });
  lifecycle.onRelease("marks of erasures", () => marks.stop());
  await marks.start();
  const { ATTEMPTS_KEPT: kept } = config;
  const attempts = kept === 0 ? undefined : createAttemptLog({ ...parts, kept });
  if (attempts !== undefined) lifecycle.onRelease("attempt log", () => attempts.stop());
  const issueCoupon = createIssueCoupon({
    ...parts,
    attempts,
    claimer,
    guard: createClaimGuard({ ...parts, claimer, limits, recall, hook: createClaimHookOf(config, parts) }),
    campaignCache,
    claimAuth,
    refusedCredentials,
    issueDeadlineMs: config.ISSUE_DEADLINE_MS,
  });
  return { breakers, marks, claimer, campaignCache, recall, issueCoupon };
}

/** Serves callers and operators. @throws UserError when a port is taken */
export async function startServerRole(
  config: Config,
  parts: SharedParts,
  lifecycle: Lifecycle,
  { metricsPage: pageOf, localKeySha256 }: Pick<WorkerSlot, "metricsPage" | "localKeySha256">,
  readiness: Readiness,
): Promise<ServerRole> {
  const { campaigns, pool, clock, metrics } = parts;
  const claimAuth = await createClaimAuthOf(config, parts);
  const { limits, countLookUp, shared } = createLimitsOf(config, parts);
  const refusedCredentials = createRefusedCredentials(clock);
  const { breakers, marks, claimer, campaignCache, recall, issueCoupon } = await startClaims(
    ...([config, parts, { claimAuth, limits, refusedCredentials }, lifecycle] as const),
  );
  const ending = { stopping: new AbortController(), draining: new AbortController() };
  const draining = ending.draining.signal;
  const { reads } = breakers;
  const liveView = createLiveView(campaigns, pool, breakers, clock);
  const campaignStatus = createCampaignStatus({
    ...{ liveView, campaignCache, clock },
    claimAuthMode: claimAuth.mode,
  });
  const findCoupon = createFindCoupon({
    ...{ ...parts, campaignCache, recall, marks, claimAuth, countLookUp, reads, refusedCredentials },
  });
  const processLook = createProcessLook(parts.processes, clock);
  const signingKey =
    config.CERTIFICATE_KEY === undefined ? undefined : readSigningKey(config.CERTIFICATE_KEY);
  const campaignCommitments = createCampaignCommitments({
    ...{ ...parts, campaignCache, signingKey, reads, countLookUp },
  });
  const proveIssuance = createProveIssuance({ ...parts, campaignCommitments, reads });
  const addReceipt = signingKey === undefined ? undefined : createReceipts(signingKey, parts.owner, clock);
  const metricsPage = pageOf(() => {
    // These gauges are set when the page is made, not at each change.
    for (const [queue, size] of Object.entries(claimer.sizes())) metrics.queueDepth.set({ queue }, size);
    metrics.queueLimit.set(config.CLAIM_QUEUE_MAX);
    metrics.claimWait.set(claimer.waitMs() / 1_000);
    for (const breaker of BREAKERS) metrics.breakerOpen.set({ breaker }, breakers.holdsBack(breaker) ? 1 : 0);
    return metrics.registry;
  });
  let spare: App["spare"] | undefined;
  let endWarmUps: (() => Promise<void>) | undefined;
  lifecycle.onRelease("warm-ups", () => endWarmUps?.());
  const addresses = await startTransports({
    onSpare: (made) => {
      spare = made;
    },
    ...{ ...parts, config, lifecycle, ending, readiness },
    metricsPage: publicMetrics(metricsPage, config.HOST),
    couponService: {
      ...createCouponService({ issueCoupon, findCoupon, campaignStatus, addReceipt, countLookUp, clock }),
      ...createProofService({ campaignCommitments, findCoupon, proveIssuance, clock }),
    },
    countLookUp,
    campaignService: createCampaignService({
      ...{ ...parts, claimAuth, liveView, draining, reads, signingKey },
      keepsAttempts: config.ATTEMPTS_KEPT > 0,
      changeCampaign: tracedChange(createChangeCampaign(parts), parts.tracer),
      issueRate: createIssueRate(parts.db),
      settledNow: createSettledNow({
        find: (id) => reads.ask(() => campaigns.find(id)),
        frontier: (id) => breakers.pool(id).ask(() => pool.frontier(id)),
        settleMs: parts.settleMs,
      }),
      processLook,
      ofOthers: { busyElsewhere: createBusyElsewhere(processLook, parts.owner, clock) },
      erasureKey: config.ERASURE_KEY,
      openAuditor: () =>
        openAuditor({
          redisUrl: config.REDIS_URL,
          mongodbUrl: config.MONGODB_URL,
          database: config.MONGODB_DATABASE,
          timings: { insertDeadlineMs: config.COMMIT_DEADLINE_MS, leaseMs: config.LEASE_MS },
        }),
    }),
    eventService: createEventServiceOf(config, parts, { processLook, reads, draining }),
    redemptionService: createRedemptionServiceOf(config, parts, breakers, shared),
    ...{ issueCoupon, findCoupon, campaignStatus, refusedCredentials },
    authenticateOperator: createOperatorAuthOf({ ...config, localKeySha256 }, parts, lifecycle),
    operatorHosts: config.OPERATOR_HOSTS,
    ...{ allowedOrigins: config.ALLOWED_ORIGINS, operatorOrigins: config.OPERATOR_ORIGINS },
  });
  if (spare !== undefined) {
    const own = { breakers, campaignCache, spare };
    endWarmUps = startWarmUps(config, parts, own, ending.stopping.signal);
  }
  return { addresses, metricsPage };
}
