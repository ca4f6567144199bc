import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type CampaignService, OperatorRole } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { OperatorRole as RoleName } from "../../runtime/operator-settings.ts";
import { operatorIn } from "./operator-gate.ts";
import { methodsOf } from "./operator-rights.ts";

const ROLES: Readonly<Record<RoleName, OperatorRole>> = {
  redeemer: OperatorRole.REDEEMER,
  viewer: OperatorRole.VIEWER,
  operator: OperatorRole.OPERATOR,
  admin: OperatorRole.ADMIN,
};

/** Who the caller is, by its credential, and what its role covers. */
export function createGetSelf(clock: Pick<Clock, "now">) {
  return ((_, { values }: HandlerContext) => {
    const { name, role, isShared } = operatorIn(values);
    return {
      ...{ name, role: ROLES[role], shared: isShared, methods: methodsOf(role) },
      serverTime: timestampFromMs(clock.now()),
    };
  }) satisfies ServiceImpl<typeof CampaignService>["getSelf"];
}
