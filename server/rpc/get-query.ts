import type { Codec } from "../http/plain-call.ts";

/** The message of a Connect GET. Source: connectrpc.com/docs/protocol, "Unary-Get-Request". */
export type GetQuery = { readonly codec: Codec; readonly message: Buffer };

const NAMES: ReadonlySet<string> = new Set(["connect", "base64", "encoding", "message"]);
/** Without `+`, which some read as a blank. */
const PERCENT_ENCODED = /^(?:[\w.~!*'()-]|%[0-9A-Fa-f]{2})+$/;
const BASE64_URL = /^[\w-]+$/;

/**
 * Reads the query in the form that clients write: each parameter once, in any order. undefined: an unusual
 * one, such as a compressed message, which the framework reads or refuses.
 */
export function readGetQuery(query: string): GetQuery | undefined {
  const given = new Map<string, string>();
  for (const pair of query.split("&")) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, at));
    if (!NAMES.has(name) || given.has(name)) return undefined;
    given.set(name, pair.slice(at + 1));
  }
  const codec = given.get("encoding");
  if (given.get("connect") !== "v1" || (codec !== "json" && codec !== "proto")) return undefined;
  const message = messageOf(given.get("message") ?? "", codec, given.get("base64"));
  return message === undefined ? undefined : { codec, message };
}

function messageOf(text: string, codec: Codec, base64: string | undefined): Buffer | undefined {
  if (base64 === "1")
    return BASE64_URL.test(text) && text.length % 4 !== 1 ? Buffer.from(text, "base64url") : undefined;
  if (base64 !== undefined || codec === "proto" || !PERCENT_ENCODED.test(text)) return undefined;
  try {
    return Buffer.from(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}
