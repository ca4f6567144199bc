import { createAuthenticate } from "../../../access/authenticate.ts";
import { createClaimAuth } from "../../../access/claim-auth.ts";
import type { ClaimAuthMode } from "../../../access/claim-auth-mode.ts";
import type { ClaimTokenSettings } from "../../../access/claim-tokens.ts";
import { createCountLookUp, createLimits, type LimitRates } from "../../../access/limits.ts";
import { createCampaignCache } from "../../../claims/campaign-cache.ts";
import { createClaimGuard } from "../../../claims/claim-guard.ts";
import type { ClaimHook } from "../../../claims/claim-hook.ts";
import { createIssueCoupon } from "../../../claims/issue-coupon.ts";
import { createRecall } from "../../../claims/recall.ts";
import { createRefusedCredentials, type RefusedCredentials } from "../../../claims/refused-credentials.ts";
import { createTally } from "../../../claims/tally.ts";
import type { Campaigns } from "../../../record/campaigns.ts";
import type { Issuances } from "../../../record/issuances.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { createCampaignStatus } from "../../../server/rpc/campaign-status.ts";
import { createCouponService } from "../../../server/rpc/coupon-service.ts";
import { createFindCoupon } from "../../../server/rpc/find-coupon.ts";
import { createLiveView } from "../../../server/view/live-view.ts";
import { recordsOf } from "../../support/made-campaign.ts";
import { NO_ERASURES } from "../../support/no-erasures.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import type { Sale } from "../../support/open-sale.ts";
import type { TestStores } from "../../support/shared-stores.ts";
import { testBreakers } from "../../support/test-breakers.ts";

export type ClaimServer = OpenApp & {
  /** Everything that it has logged, at the level `trace`. */
  readonly log: readonly string[];
  readonly metricsPage: () => Promise<string>;
  readonly refusedCredentials: RefusedCredentials;
};

export type ClaimServerOptions = {
  readonly mode: ClaimAuthMode;
  readonly clock?: Clock;
  readonly keys?: readonly { name: string; sha256: string }[];
  readonly tokens?: ClaimTokenSettings;
  /** undefined: requests are not limited. */
  readonly limits?: Partial<LimitRates>;
  /** What look-ups ask: FindCoupon, and those for callers over a limit. */
  readonly issuances?: (real: Issuances) => Issuances;
  readonly hook?: ClaimHook;
  /** What look-ups of campaigns ask that the server does not know yet. */
  readonly campaigns?: (real: Campaigns) => Campaigns;
};

/** A server with the claims of one sale, which admits callers as a service process does. */
export async function claimServer(
  stores: TestStores,
  sale: Sale,
  { mode, clock = systemClock, keys = [], tokens, limits: rates = {}, ...around }: ClaimServerOptions,
): Promise<ClaimServer> {
  const log: string[] = [];
  const write = (line: string) => void log.push(line);
  const logger = createLogger({ level: "trace", format: "json", destination: { write } });
  const records = recordsOf(stores.db);
  const { authenticate, prepare } = createAuthenticate({ keys, tokens }, { clock, logger });
  await prepare();
  const claimAuth = createClaimAuth(
    { mode, acceptsKeys: keys.length > 0, acceptsTokens: tokens !== undefined },
    authenticate,
  );
  const issuances = around.issuances?.(records.issuances) ?? records.issuances;
  const campaigns = around.campaigns?.(records.campaigns) ?? records.campaigns;
  const campaignCache = createCampaignCache(campaigns, clock);
  const { reads } = testBreakers(clock);
  const { claimer, metrics } = sale;
  const limits = createLimits({ user: rates.user, address: rates.address, key: rates.key }, clock);
  const countLookUp = createCountLookUp(rates.address, clock, () => metrics.overLimit.inc({ by: "address" }));
  const refusedCredentials = createRefusedCredentials(clock);
  const recall = createRecall({ claimer, issuances, marks: NO_ERASURES, reads, clock });
  const issueCoupon = createIssueCoupon({
    guard: createClaimGuard({ claimer, limits, recall, clock, metrics, hook: around.hook }),
    ...{ claimer, campaignCache, claimAuth, clock, metrics: sale.metrics },
    ...{ tally: createTally(), refusedCredentials, issueDeadlineMs: 15_000 },
  });
  const liveView = createLiveView(campaigns, stores.pool, testBreakers(clock), clock);
  const campaignStatus = createCampaignStatus({
    ...{ liveView, campaignCache, clock },
    claimAuthMode: mode,
  });
  const findCoupon = createFindCoupon({
    ...{ campaignCache, issuances, recall, claimAuth, countLookUp, reads, refusedCredentials },
    marks: NO_ERASURES,
  });
  const handlers = { issueCoupon, findCoupon, campaignStatus, countLookUp, refusedCredentials, clock };
  const couponService = createCouponService(handlers);
  const app = await openApp(stores, {
    ...{ logger, couponService, ...handlers },
  });
  return { ...app, log, refusedCredentials, metricsPage: () => sale.metrics.registry.metrics() };
}
