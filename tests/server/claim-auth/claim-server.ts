import { createAuthenticate } from "../../../access/authenticate.ts";
import { createClaimAuth } from "../../../access/claim-auth.ts";
import type { ClaimAuthMode } from "../../../access/claim-auth-mode.ts";
import type { ClaimTokenSettings } from "../../../access/claim-tokens.ts";
import { createCampaignCache } from "../../../claims/campaign-cache.ts";
import { createIssueCoupon } from "../../../claims/issue-coupon.ts";
import { createTally } from "../../../claims/tally.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { createCouponService } from "../../../server/rpc/coupon-service.ts";
import { recordsOf } from "../../support/made-campaign.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import type { Sale } from "../../support/open-sale.ts";
import type { TestStores } from "../../support/shared-stores.ts";
import { testBreakers } from "../../support/test-breakers.ts";

export type ClaimServer = OpenApp & {
  /** Everything that it has logged, at the level `trace`. */
  readonly log: readonly string[];
  readonly metricsPage: () => Promise<string>;
};

export type ClaimServerOptions = {
  readonly mode: ClaimAuthMode;
  readonly keys?: readonly { name: string; sha256: string }[];
  readonly tokens?: ClaimTokenSettings;
};

/** A server with the claims of one sale, which admits callers as a service process does. */
export async function claimServer(
  stores: TestStores,
  sale: Sale,
  { mode, keys = [], tokens }: ClaimServerOptions,
): Promise<ClaimServer> {
  const clock = systemClock;
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
  const campaignCache = createCampaignCache(records.campaigns, clock);
  const issueCoupon = createIssueCoupon({
    ...{ claimer: sale.claimer, campaignCache, claimAuth, clock, metrics: sale.metrics },
    ...{ tally: createTally(), issueDeadlineMs: 15_000 },
  });
  const couponService = createCouponService({
    ...{ issueCoupon, campaignCache, claimAuth, clock, issuances: records.issuances },
    reads: testBreakers(clock).reads,
    campaignStatus: () => Promise.reject(new Error("not asked here")),
  });
  const app = await openApp(stores, { clock, logger, issueCoupon, couponService });
  return { ...app, log, metricsPage: () => sale.metrics.registry.metrics() };
}
