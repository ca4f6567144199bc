import type { DescService } from "@bufbuild/protobuf";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { ServicePart } from "../../runtime/listeners.ts";

/** Each call of these needs an operator whose role covers the method: operator-rights.ts. */
export const OPERATOR_SERVICES = [CampaignService, EventService, RedemptionService] as const;
/** The services of the contract. */
export const SERVICES: readonly DescService[] = [CouponService, ...OPERATOR_SERVICES];

/** The services of the contract that these parts serve. */
export function servicesOf(parts: readonly ServicePart[]): DescService[] {
  return [
    ...(parts.includes("public") ? [CouponService] : []),
    ...(parts.includes("operators") ? OPERATOR_SERVICES : []),
  ];
}

const OPERATOR_PREFIXES = OPERATOR_SERVICES.map(({ typeName }) => `/${typeName}/`);

/** Whether a path is of an operators' service, as a method that it has or any other. */
export function isOperatorsPath(path: string): boolean {
  return OPERATOR_PREFIXES.some((prefix) => path.startsWith(prefix));
}
