import { type Client, createClient } from "@connectrpc/connect";
import { RedemptionService } from "../../../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { useSignedIn } from "../../session/session.tsx";
import { keptFor } from "../kept.ts";

/** The service of redemptions, called with the operator's credential. */
export type RedemptionsApi = Client<typeof RedemptionService>;

export function useRedemptionsApi(): RedemptionsApi {
  const { transport } = useSignedIn();
  return keptFor(transport, "redemptions", () => createClient(RedemptionService, transport));
}
