import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { hostOf, isLoopback } from "../../runtime/loopback.ts";

/** Taken for the address of a connection that has closed. */
const LOOPBACK = "127.0.0.1";

type AnyRequest = IncomingMessage | Http2ServerRequest;

/** Why a request is foreign, for its sender; undefined: it is not. */
export type ForeignTo = (request: AnyRequest) => string | undefined;

const FOREIGN_HOST =
  "the Host of the request is none of this service: over loopback, or where OPERATOR_HOSTS is set, operators call localhost, a loopback address or a host of OPERATOR_HOSTS";
const FOREIGN_ORIGIN = "a page of another origin may not call the operators' service";

/**
 * Finds the requests of foreign web pages. A browser lets any page send to any address, and a page whose name
 * is made to point to this machine (DNS rebinding) also read the answers; but it names the page's host in
 * Host and, unless it only reads, the page's origin in Origin. Not a check of who calls: any other program
 * sends what it likes.
 *
 * `hosts`: those of OPERATOR_HOSTS, as `hostOf` returns them. `origins`: those of OPERATOR_ORIGINS, whose
 * pages are not foreign.
 */
export function createForeignTo(hosts: readonly string[], origins: readonly string[] = []): ForeignTo {
  const own = new Set(hosts);
  const listed = new Set(origins);
  const isOwn = (host: string | undefined) => host !== undefined && (isLoopback(host) || own.has(host));

  return (request) => {
    const { headers, socket } = request;
    const authorities = [headers[":authority"], headers.host].filter((one) => typeof one === "string");
    // Of the connection, not of the setting: a service that listens everywhere is reached over loopback too.
    const isChecked = own.size > 0 || isLoopback(socket.localAddress ?? LOOPBACK);
    const isForeign = (authority: string) => !isOwn(hostOf(authority));
    if (isChecked && (authorities.length === 0 || authorities.some(isForeign))) return FOREIGN_HOST;
    const { origin } = headers;
    if (origin === undefined || listed.has(origin)) return undefined;
    const [authority = ""] = authorities;
    const isEncrypted = "encrypted" in socket && socket.encrypted === true;
    // A proxy that ends TLS passes the origin of its https page on.
    const schemes = isEncrypted
      ? ["https:"]
      : own.has(hostOf(authority) ?? "")
        ? ["https:", "http:"]
        : ["http:"];
    return schemes.some((scheme) => isSameOrigin(origin, scheme, authority)) ? undefined : FOREIGN_ORIGIN;
  };
}

function isSameOrigin(origin: string, scheme: string, authority: string): boolean {
  const ours = `${scheme}//${authority}`;
  if (!URL.canParse(origin) || !URL.canParse(ours)) return false;
  return new URL(origin).origin === origin.toLowerCase() && new URL(origin).origin === new URL(ours).origin;
}
