import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Refusal } from "../../campaign/refusal.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createRefusalAnswers } from "./issue-answer.ts";

const CROWDED: Refusal = { reason: "OVERLOADED", why: "too many requests of this kind wait on this server" };

/**
 * Refuses a request before the framework reads it. Clients of gRPC take the status of HTTP for theirs: 503 is
 * `unavailable` in each protocol.
 */
export function createRefuseTurn(clock: Clock): (response: ServerResponse | Http2ServerResponse) => void {
  const refusals = createRefusalAnswers();
  return (response) => {
    const { status, fields, body } = refusals(CROWDED, clock.now());
    response.statusCode = status;
    for (let at = 0; at < fields.length; at += 2)
      response.setHeader(fields[at] as string, fields[at + 1] as string);
    response.end(body);
  };
}
