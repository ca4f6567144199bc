import type { IncomingMessage, RequestListener } from "node:http";
import { Code } from "@connectrpc/connect";
import { type CrossOrigin, OWN_PAGES_ONLY } from "./cross-origin.ts";

const ANSWER = JSON.stringify({
  code: "invalid_argument",
  message: "the request has more than one Host field; it must have exactly one",
});

export type OneHostDeps = Pick<CrossOrigin, "addFields"> & {
  /** Called with each request that is refused, and the code that it is refused with. */
  readonly refuses?: (request: IncomingMessage, code: Code) => void;
};

/**
 * Refuses a request with several Host fields, equal or not; Node refuses one with none, and reads the first
 * of several where a proxy before it may read the last. The connection ends, since what follows may be meant
 * for another server, too. Source: RFC 9112, section 3.2.
 */
export function refuseSeveralHosts(
  listener: RequestListener,
  { addFields, refuses }: OneHostDeps = OWN_PAGES_ONLY,
): RequestListener {
  return (request, response) => {
    if (!hasSeveralHosts(request.rawHeaders)) return listener(request, response);
    refuses?.(request, Code.InvalidArgument);
    addFields(request, response);
    response.writeHead(400, { "content-type": "application/json", connection: "close" }).end(ANSWER);
  };
}

/** `fields`: names and values in turn. Few names have four characters, so lengths are compared first. */
function hasSeveralHosts(fields: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts > 1;
}
