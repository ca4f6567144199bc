import { createHash, timingSafeEqual } from "node:crypto";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { CampaignService } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalSchema } from "../proto/gen/coupon/v1/refusal_pb.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { refusalError } from "./refusal.ts";
import { isStoreTrouble } from "./store-trouble.ts";

/**
 * Outermost. Turns what went wrong into what a caller may know, and logs the cause that it may not: a store that does not answer
 * is `unavailable`, anything unknown is `internal`. Refusals pass as they are. Also watches streams to their end.
 */
export function troubleInterceptor(logger: Logger, clock: Clock): Interceptor {
  function tell(error: unknown, method: string): ConnectError {
    if (error instanceof ConnectError) {
      const ours = error.findDetails(RefusalSchema).length > 0;
      if (!ours && error.code === Code.Internal)
        logger.error({ room: "server", method, err: error }, "a call failed");
      return error;
    }
    if (isStoreTrouble(error)) {
      logger.warn({ room: "server", method, err: error }, "a call failed: a store did not answer");
      return refusalError({ reason: "UNCERTAIN" }, clock.now());
    }
    logger.error({ room: "server", method, err: error }, "a call failed: this is a bug");
    return new ConnectError("internal error; it has been logged", Code.Internal);
  }

  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    try {
      const response = await next(request);
      if (!response.stream) return response;
      const messages = response.message;
      const watched = (async function* () {
        try {
          yield* messages;
        } catch (error) {
          throw tell(error, method);
        }
      })();
      return { ...response, message: watched };
    } catch (error) {
      throw tell(error, method);
    }
  };
}

/** Lets nobody without the operators' bearer token reach CampaignService. Compares digests, in constant time. */
export function operatorInterceptor(token: string | undefined): Interceptor {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = token === undefined ? undefined : digest(`Bearer ${token}`);
  return (next) => (request) => {
    if (expected !== undefined && request.service.typeName === CampaignService.typeName) {
      const given = request.header.get("authorization") ?? "";
      if (!timingSafeEqual(digest(given), expected)) {
        throw new ConnectError(
          "the operators' token is needed: authorization: Bearer …",
          Code.Unauthenticated,
        );
      }
    }
    return next(request);
  };
}
