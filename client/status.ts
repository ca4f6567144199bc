import { timestampDate } from "@bufbuild/protobuf/wkt";
import { enumName } from "../proto/enum-name.ts";
import type { GetCampaignStatusResponse } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import { CampaignStateSchema, ClaimAuthSchema } from "./contract.ts";
import { dateOf } from "./failure.ts";
import type { CampaignStateName, CampaignStatus, ClaimAuthName } from "./outcome.ts";

/** Undefined: the answer lacks an instant that the service always sends. */
export function statusOf(message: GetCampaignStatusResponse): CampaignStatus | undefined {
  const { state, startsAt, endsAt, serverTime, millisToStart, soldOut, onePerUser, maxPerUser, claimAuth } =
    message;
  if (startsAt === undefined || serverTime === undefined) return undefined;
  return {
    state: enumName(CampaignStateSchema, state) as CampaignStateName,
    startsAt: timestampDate(startsAt),
    endsAt: dateOf(endsAt),
    ...{ soldOut, onePerUser, maxPerUser },
    claimAuth: claimAuth === 0 ? undefined : (enumName(ClaimAuthSchema, claimAuth) as ClaimAuthName),
    serverTime: timestampDate(serverTime),
    millisToStart: Number(millisToStart),
  };
}
