import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { Code } from "@connectrpc/connect";
import type { Refusal } from "../../campaign/refusal.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type CrossOrigin, OWN_PAGES_ONLY } from "../http/cross-origin.ts";
import type { CallMeter } from "./call-meter.ts";
import { createRefusalAnswers } from "./issue-answer.ts";

/** Of a request that finds too many others waiting for their turn. */
export const CROWDED: Refusal = {
  reason: "OVERLOADED",
  why: "too many requests of this kind wait on this server",
};

/**
 * Refuses a request before the framework reads it. Clients of gRPC take the status of HTTP for theirs: 503 is
 * `unavailable` in each protocol.
 */
export function createRefuseTurn(
  clock: Clock,
  { addFields }: Pick<CrossOrigin, "addFields"> = OWN_PAGES_ONLY,
  meter?: Pick<CallMeter, "refuses">,
): (response: ServerResponse | Http2ServerResponse) => void {
  const refusals = createRefusalAnswers();
  return (response) => {
    meter?.refuses(response.req, Code.Unavailable);
    const { status, fields, body } = refusals(CROWDED, clock.now());
    addFields(response.req, response);
    response.statusCode = status;
    for (let at = 0; at < fields.length; at += 2)
      response.setHeader(fields[at] as string, fields[at + 1] as string);
    response.end(body);
  };
}
