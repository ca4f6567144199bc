import type { IncomingHttpHeaders } from "node:http";
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { plainAddress } from "../../runtime/plain-address.ts";
import type { IsProxy } from "../../runtime/proxy-settings.ts";

/** The parts of a request that hold its source, over HTTP/1.1 and HTTP/2 alike. */
export type Sourced = {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
};

/** The address that a request comes from; empty: its connection has closed. */
export type SourceAddressOf = (request: Sourced) => string;

/** Proxies before one another, at most. */
const PROXIES_MAX = 16;
/** Some proxies add a port. */
const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/;
const WITH_PORT = /^([\d.]+):\d{1,5}$/;

const key = createContextKey<string>("", { description: "the source address of a call" });

/**
 * A trusted proxy says in X-Forwarded-For which address it was called from, as the last entry; if that is a
 * trusted proxy, too, the entry before it counts, and so on. What else the field says was written by a caller
 * that is not trusted, who could write any address. The field `Forwarded` is not read: common proxies pass on
 * what a caller wrote there.
 */
export function createSourceAddress(isProxy: IsProxy): SourceAddressOf {
  return ({ socket, headers }) => {
    const peer = socket.remoteAddress ?? "";
    if (!isProxy(peer)) return peer.includes(":") ? (plainAddress(peer) ?? peer) : peer;
    return lastUntrusted(textOf(headers["x-forwarded-for"]), isProxy) ?? plainAddress(peer) ?? peer;
  };
}

/**
 * undefined: there is no entry. Where an entry is no address, or none is left, it is the trusted proxy that
 * the last good entry names.
 */
function lastUntrusted(entries: string, isProxy: IsProxy): string | undefined {
  let proxy: string | undefined;
  let end = entries.length;
  for (let proxies = 0; proxies < PROXIES_MAX && end > 0; proxies += 1) {
    const comma = entries.lastIndexOf(",", end - 1);
    const address = addressIn(entries.slice(comma + 1, end).trim());
    if (address === undefined) return proxy;
    if (!isProxy(address)) return address;
    proxy = address;
    end = comma;
  }
  return proxy;
}

function addressIn(entry: string): string | undefined {
  const bare = BRACKETED.exec(entry)?.[1] ?? WITH_PORT.exec(entry)?.[1] ?? entry;
  return plainAddress(bare);
}

/** Node joins several fields of the name with commas, in their order. */
function textOf(field: string | string[] | undefined): string {
  return typeof field === "string" ? field : (field ?? []).join(",");
}

export function setSourceAddress(values: ContextValues, address: string): ContextValues {
  return values.set(key, address);
}

export function sourceAddressIn(values: ContextValues): string {
  return values.get(key);
}
