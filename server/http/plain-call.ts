/** A unary call of the Connect protocol in its plain form, as the fast path serves it. Source: connectrpc.com/docs/protocol. */

/** How a body is written. */
export type Codec = "json" | "proto";

/** An answer as the Connect protocol has it. A text rather than bytes where it can be: head and body then leave in one piece. */
export type PlainAnswer = {
  readonly status: number;
  readonly type: "application/json" | "application/proto";
  readonly body: string | Uint8Array;
};

const CODECS: ReadonlyMap<string, Codec> = new Map([
  ["application/json", "json"],
  ["application/json; charset=utf-8", "json"],
  ["application/json;charset=utf-8", "json"],
  ["application/proto", "proto"],
]);

/** undefined: no content type of the hot lanes. */
export function codecOf(contentType: string | undefined): Codec | undefined {
  return contentType === undefined ? undefined : CODECS.get(contentType);
}

/** Milliseconds, Infinity where none is given, undefined where it is malformed. */
export function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return Number.POSITIVE_INFINITY;
  return typeof header === "string" && /^\d{1,10}$/.test(header) ? Number(header) : undefined;
}
