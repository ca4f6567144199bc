import type { ServiceImpl } from "@connectrpc/connect";
import type { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { AppDeps } from "../../server/app.ts";
import { remoteCallerOf } from "../../server/rpc/remote-caller.ts";
import { toConnectError } from "../../server/rpc/rpc-status.ts";

const SOLD_OUT = { reason: "SOLD_OUT" } as const;

/** Handlers of IssueCoupon, on the fast path and past it, that note the caller's address and refuse. */
export function addressNoting(
  note: (address: string) => void,
): Pick<AppDeps, "issueCoupon" | "couponService"> {
  return {
    issueCoupon(_, caller) {
      note((caller as { address: string }).address);
      return { kind: "refused", refusal: SOLD_OUT };
    },
    couponService: {
      issueCoupon(_: unknown, context: Parameters<typeof remoteCallerOf>[0]) {
        note(remoteCallerOf(context).address);
        throw toConnectError(SOLD_OUT, 0);
      },
    } as unknown as ServiceImpl<typeof CouponService>,
  };
}
