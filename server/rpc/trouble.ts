import { Code, ConnectError } from "@connectrpc/connect";
import { STORE_AWAY } from "../../campaign/refusal.ts";
import { QueueFull } from "../../claims/batch-queue.ts";
import { CircuitOpen } from "../../claims/breaker.ts";
import { isStoreError } from "../../claims/store-error.ts";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { toConnectError } from "./rpc-status.ts";

/** What a caller may know of an error; logs the cause that it may not know. `method`: as in `coupon.v1.CouponService/IssueCoupon`. */
export type TellTrouble = (error: unknown, method: string) => ConnectError;

/** A store that does not answer is `unavailable`, anything unknown is `internal`, a ConnectError is told as it is. */
export function createTellTrouble(logger: Logger, clock: Clock): TellTrouble {
  return (error, method) => {
    if (error instanceof ConnectError) {
      const ours = error.findDetails(RefusalSchema).length > 0;
      if (!ours && error.code === Code.Internal)
        logger.error({ component: "server", method, err: error }, "a call failed");
      return error;
    }
    // Nothing was tried. Where a store is away, its breaker has said so once.
    if (error instanceof CircuitOpen) return toConnectError(STORE_AWAY, clock.now());
    if (error instanceof QueueFull) return toConnectError({ reason: "OVERLOADED" }, clock.now());
    if (isStoreError(error)) {
      logger.warn({ component: "server", method, err: error }, "a call failed: a store did not answer");
      return toConnectError({ reason: "UNCERTAIN" }, clock.now());
    }
    logger.error({ component: "server", method, err: error }, "a call failed: this is a bug");
    return new ConnectError("internal error; it has been logged", Code.Internal);
  };
}
