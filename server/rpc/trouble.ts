import { Code, ConnectError } from "@connectrpc/connect";
import { MisshapenDocument } from "../../audit/stores/document-shape.ts";
import { NEWER_CAMPAIGN, STORE_AWAY } from "../../campaign/refusal.ts";
import { QueueFull } from "../../claims/batch-queue.ts";
import { CircuitOpen } from "../../claims/breaker.ts";
import { isDenial, isNoAnswer, isStoreError } from "../../claims/store-error.ts";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { StoreDenial } from "../../runtime/store-denial.ts";
import { NewerShape } from "../../runtime/stored-shape.ts";
import type { Traced } from "../../runtime/tracer.ts";
import { redactUrls } from "../../runtime/url-secrets.ts";
import { wellFormed } from "../../runtime/well-formed.ts";
import { withErrorInfo } from "./error-info.ts";
import { toConnectError } from "./rpc-status.ts";
import { isOperatorsPath } from "./services.ts";

/**
 * The error that a caller may see; logs the cause, which it may not see. `method`: as in
 * `coupon.v1.CouponService/IssueCoupon`.
 */
export type TellTrouble = (error: unknown, method: string, call?: Traced) => ConnectError;

/**
 * A store that does not answer becomes `unavailable`, a damaged document `data_loss`, any unknown error
 * `internal`; a ConnectError stays what it is. Each has its details.
 */
export function createTellTrouble(logger: Logger, clock: Clock): TellTrouble {
  const tell: TellTrouble = (error, method, call) => {
    const callId = call?.callId;
    if (error instanceof ConnectError) {
      const ours = error.findDetails(RefusalSchema).length > 0;
      if (!ours && error.code === Code.Internal)
        logger.error({ component: "server", method, callId, err: error }, "a call failed");
      return error;
    }
    // Nothing was tried. Its breaker has already logged that the store does not answer.
    if (error instanceof CircuitOpen) return toConnectError(STORE_AWAY, clock.now());
    if (error instanceof NewerShape) return toConnectError(NEWER_CAMPAIGN, clock.now());
    if (error instanceof QueueFull) return toConnectError({ reason: "OVERLOADED" }, clock.now());
    if (isDenial(error)) {
      logger.error(
        { component: "server", method, callId, err: error },
        "a call failed: a store refuses this service a right",
      );
      // Operators can grant the right, so their error names it; callers can only ask again with the same key.
      if (isOperatorsPath(`/${method}`)) return toOperators(error);
      return toConnectError({ reason: "UNCERTAIN" }, clock.now());
    }
    if (isStoreError(error)) {
      const words = isNoAnswer(error) ? "a store did not answer" : "a store refused";
      logger.warn({ component: "server", method, callId, err: error }, `a call failed: ${words}`);
      return toConnectError({ reason: "UNCERTAIN" }, clock.now());
    }
    if (error instanceof MisshapenDocument) {
      logger.error(
        { component: "server", method, callId, err: error },
        "a call failed: a document in MongoDB is not what it has to be",
      );
      return new ConnectError(wellFormed(error.message), Code.DataLoss);
    }
    logger.error({ component: "server", method, callId, err: error }, "a call failed: this is a bug");
    return new ConnectError("internal error; it has been logged", Code.Internal);
  };
  return (error, method, call) => withErrorInfo(tell(error, method, call));
}

/** Without a Refusal detail: it is no answer about the campaign, and asking again does not help. */
function toOperators(error: unknown): ConnectError {
  const why = redactUrls(error instanceof Error ? error.message : String(error));
  const words =
    error instanceof StoreDenial ? why : `a store refuses this service a right that it needs: ${why}`;
  return new ConnectError(wellFormed(words), Code.FailedPrecondition);
}
