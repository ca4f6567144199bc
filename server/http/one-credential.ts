import type { IncomingHttpHeaders } from "node:http";

/** The parts of a request that hold its fields, over HTTP/1.1 and HTTP/2 alike. */
type Fielded = { readonly rawHeaders: readonly string[]; readonly headers: IncomingHttpHeaders };

const NAME = "authorization";

/**
 * Joins several Authorization fields into one value with commas, which is no valid credential. Node keeps the
 * first of them and drops the others; a proxy in front may have checked another one. Source: RFC 9110,
 * sections 5.3 and 11.6.2.
 */
export function joinCredentials({ rawHeaders, headers }: Fielded): void {
  if (headers.authorization === undefined) return;
  let first: string | undefined;
  let joined: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    // Few names have that length, so lengths are compared first.
    if (name?.length !== NAME.length || name.toLowerCase() !== NAME) continue;
    const value = rawHeaders[at + 1] ?? "";
    if (first === undefined) first = value;
    else joined = `${joined ?? first}, ${value}`;
  }
  if (joined !== undefined) headers.authorization = joined;
}
