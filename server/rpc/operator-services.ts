import type { JsonReadOptions } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { type RouteDeps, routeService } from "./routes.ts";

/** The services that need an operator, a redeemer among them. */
export type OperatorServices = {
  campaignService: ServiceImpl<typeof CampaignService>;
  eventService: ServiceImpl<typeof EventService>;
  redemptionService: ServiceImpl<typeof RedemptionService>;
};

export function routeOperatorServices(
  router: ConnectRouter,
  { campaignService, eventService, redemptionService }: OperatorServices,
  options: RouteDeps & Partial<JsonReadOptions>,
): void {
  routeService(router, CampaignService, campaignService, options);
  routeService(router, EventService, eventService, options);
  routeService(router, RedemptionService, redemptionService, options);
}
