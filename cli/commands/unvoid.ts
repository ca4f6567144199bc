import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { Action } from "../command.ts";
import { changeVoid } from "./void.ts";

export const action: Action = {
  run: (session, input) =>
    changeVoid(session, input, {
      method: RedemptionService.method.unvoidCoupon,
      requestOf: (asked) => asked,
      send: (request, options) => session.redemptions.unvoidCoupon(request, options),
    }),
};
