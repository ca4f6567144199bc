import type { IncomingHttpHeaders } from "node:http";
import { type ContextValues, createContextKey } from "@connectrpc/connect";

/** The parts of a request that hold its source, over HTTP/1.1 and HTTP/2 alike. */
export type Sourced = {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
};

const key = createContextKey<string>("", { description: "the source address of a call" });

/** The address that a request comes from; empty: its connection has closed. */
export function sourceAddressOf({ socket }: Sourced): string {
  return socket.remoteAddress ?? "";
}

export function setSourceAddress(values: ContextValues, request: Sourced): ContextValues {
  return values.set(key, sourceAddressOf(request));
}

export function sourceAddressIn(values: ContextValues): string {
  return values.get(key);
}
