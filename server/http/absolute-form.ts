import type { IncomingMessage, RequestListener } from "node:http";

const ABSOLUTE = /^https?:\/\/([^/?#@]+)([^#]*)$/i;

/**
 * Takes requests whose target is a whole URL (`GET http://host/path HTTP/1.1`), as a caller sends them that
 * uses this server as its proxy. Their host is that of the target, whatever the Host field is. Source:
 * RFC 9112, section 3.2.2.
 */
export function takeAbsoluteForm(listener: RequestListener): RequestListener {
  return (request, response) => {
    if (request.url?.startsWith("/") !== true) toOriginForm(request);
    listener(request, response);
  };
}

function toOriginForm(request: IncomingMessage): void {
  const match = ABSOLUTE.exec(request.url ?? "");
  if (match === null) return;
  const [, authority = "", rest = ""] = match;
  request.url = rest.startsWith("/") ? rest : `/${rest}`;
  request.headers.host = authority;
}
