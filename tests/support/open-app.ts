import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import type { ServiceImpl } from "@connectrpc/connect";
import type { CountLookUp } from "../../access/limits.ts";
import type { IssueCoupon } from "../../claims/issue-coupon.ts";
import { createRefusedCredentials, type RefusedCredentials } from "../../claims/refused-credentials.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { Issuances } from "../../record/issuances.ts";
import { createPreflights } from "../../record/preflights.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type App, buildApp } from "../../server/app.ts";
import type { ConnectionLimits } from "../../server/http/connection-limits.ts";
import { type CampaignServiceDeps, createCampaignService } from "../../server/rpc/campaign-service.ts";
import type { GetCampaignStatus } from "../../server/rpc/campaign-status.ts";
import type { FindCoupon } from "../../server/rpc/find-coupon.ts";
import { createLiveView } from "../../server/view/live-view.ts";
import { anyone } from "./anyone.ts";
import { recordsOf } from "./made-campaign.ts";
import { silentLogger, type TestStores } from "./shared-stores.ts";
import { testBreakers } from "./test-breakers.ts";

/** Both HTTP servers of a process, here, on free ports, with the operators' service on real records. */
export type OpenApp = {
  readonly app: App;
  readonly port: number;
  readonly grpcPort: number;
  /** The number of connections of both servers together. */
  connections(): Promise<number>;
  close(): Promise<void>;
};

export type OpenAppOptions = {
  readonly clock: Clock;
  readonly issuances?: (real: Issuances) => Issuances;
  readonly deps?: Partial<CampaignServiceDeps>;
  readonly couponService?: Partial<ServiceImpl<typeof CouponService>>;
  readonly campaignService?: (
    real: ServiceImpl<typeof CampaignService>,
  ) => ServiceImpl<typeof CampaignService>;
  /** The handlers behind the fast path. */
  readonly issueCoupon?: IssueCoupon;
  readonly findCoupon?: FindCoupon;
  readonly campaignStatus?: GetCampaignStatus;
  readonly countLookUp?: CountLookUp | undefined;
  readonly refusedCredentials?: RefusedCredentials;
  readonly logger?: Logger;
  readonly stopping?: AbortSignal;
  readonly draining?: AbortSignal;
  /** Default: those of the product. */
  readonly connections?: ConnectionLimits;
};

export async function openApp(stores: TestStores, options: OpenAppOptions): Promise<OpenApp> {
  const { clock, deps = {}, logger = silentLogger, campaignService: around = (real) => real } = options;
  const records = recordsOf(stores.db);
  const { draining = new AbortController().signal, stopping = draining } = options;
  const metrics = createMetrics();
  const breakers = testBreakers(clock);
  const asked: Partial<CampaignServiceDeps> = {
    ...records,
    issuances: options.issuances?.(records.issuances) ?? records.issuances,
    preflights: createPreflights(stores.db),
    liveView: createLiveView(records.campaigns, stores.pool, breakers, clock),
    reads: breakers.reads,
    // The campaigns here are on record without a pool, and at rest.
    settledNow: async () => ({ kind: "all" }),
    processLook: async () => [],
    ...{ clock, logger, draining },
    ...deps,
  };
  // Methods that change campaigns are not called here.
  const campaignService = createCampaignService(asked as CampaignServiceDeps);
  const app = buildApp({
    couponService: (options.couponService ?? {}) as ServiceImpl<typeof CouponService>,
    issueCoupon: options.issueCoupon ?? (() => Promise.reject(new Error("not asked here"))),
    findCoupon: options.findCoupon ?? (() => Promise.reject(new Error("not asked here"))),
    campaignStatus: options.campaignStatus ?? (() => Promise.reject(new Error("not asked here"))),
    refusedCredentials: options.refusedCredentials ?? createRefusedCredentials(clock),
    countLookUp: options.countLookUp,
    campaignService: around(campaignService),
    eventService: {} as ServiceImpl<typeof EventService>,
    redemptionService: {} as ServiceImpl<typeof RedemptionService>,
    ...{ clock, logger, metrics, authenticateOperator: anyone, draining, stopping },
    ...(options.connections === undefined ? {} : { connections: options.connections }),
    keepAliveTimeoutMs: 65_000,
    metricsPage: () => metrics.registry.metrics(),
  });
  const doors = [app.http, app.grpc];
  await Promise.all(
    doors.map((door) => new Promise<void>((resolve) => void door.listen(0, "127.0.0.1", resolve))),
  );
  const [port = 0, grpcPort = 0] = doors.map((door) => (door.address() as AddressInfo).port);
  return {
    app,
    port,
    grpcPort,
    async connections() {
      const counts = doors.map((door) => promisify(door.getConnections.bind(door))());
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    },
    async close() {
      app.http.closeAllConnections();
      await Promise.all(doors.map((door) => new Promise((resolve) => door.close(resolve))));
    },
  };
}
