import type { AddressInfo } from "node:net";
import type { ServiceImpl } from "@connectrpc/connect";
import { createRefusedCredentials } from "../../claims/refused-credentials.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import { type App, type AppDeps, buildApp } from "../../server/app.ts";
import { anyone } from "./anyone.ts";
import { silentLogger } from "./shared-stores.ts";

/** Both HTTP servers of a process without stores: every claim is refused as sold out. */
export type StubApp = App & {
  readonly port: number;
  readonly grpcPort: number;
  readonly cuts: Metrics["cuts"];
  close(): Promise<void>;
};

export function stubApp(deps: Partial<AppDeps> = {}): App {
  return buildApp(stubDeps(deps));
}

export function stubDeps(deps: Partial<AppDeps> = {}): AppDeps {
  const quiet = new AbortController().signal;
  const metrics = createMetrics();
  return {
    couponService: {} as ServiceImpl<typeof CouponService>,
    campaignService: {} as ServiceImpl<typeof CampaignService>,
    eventService: {} as ServiceImpl<typeof EventService>,
    redemptionService: {} as ServiceImpl<typeof RedemptionService>,
    issueCoupon: () => ({ kind: "refused", refusal: { reason: "SOLD_OUT" } }),
    findCoupon: () => ({ kind: "refused", refusal: { reason: "NO_COUPON" } }),
    campaignStatus: () => Promise.reject(new Error("not asked here")),
    refusedCredentials: createRefusedCredentials(systemClock),
    ...{ clock: systemClock, logger: silentLogger, metrics, authenticateOperator: anyone },
    keepAliveTimeoutMs: 65_000,
    ...{ stopping: quiet, draining: quiet, metricsPage: () => metrics.registry.metrics() },
    ...deps,
  };
}

export async function openStubApp(deps: Partial<AppDeps> = {}): Promise<StubApp> {
  const metrics = createMetrics();
  const app = stubApp({ metrics, ...deps });
  const sessions = new Set<{ destroy(): void }>();
  app.grpc.on("session", (session) => sessions.add(session));
  const servers = [app.http, app.grpc];
  await Promise.all(
    servers.map((server) => new Promise<void>((done) => void server.listen(0, "127.0.0.1", done))),
  );
  const [port = 0, grpcPort = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  return {
    ...app,
    ...{ port, grpcPort, cuts: metrics.cuts },
    async close() {
      app.http.closeAllConnections();
      for (const session of sessions) session.destroy();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}
