import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Refusal } from "../../campaign/refusal.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createRefusalAnswers } from "./issue-answer.ts";
import { RETRY_AFTER } from "./rpc-status.ts";

const CROWDED: Refusal = { reason: "OVERLOADED", why: "too many requests of this kind wait on this server" };

/**
 * Refuses a request before the framework reads it. Clients of gRPC take the status of HTTP for theirs: 503 is
 * `unavailable` in each protocol.
 */
export function createRefuseTurn(clock: Clock): (response: ServerResponse | Http2ServerResponse) => void {
  const refusals = createRefusalAnswers();
  return (response) => {
    const { status, type, body, retryAfterS } = refusals(CROWDED, clock.now());
    response.statusCode = status;
    response.setHeader("content-type", type);
    if (retryAfterS !== undefined) response.setHeader(RETRY_AFTER, String(retryAfterS));
    response.end(body);
  };
}
