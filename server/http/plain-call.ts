import type { IncomingHttpHeaders } from "node:http";

/**
 * A unary call of the Connect protocol in its plain form, as the fast path serves it. Source:
 * connectrpc.com/docs/protocol.
 */

/** How a body is written. */
export type Codec = "json" | "proto";

/** An answer of the Connect protocol, ready to be sent any number of times. */
export type PlainAnswer = {
  readonly status: number;
  /** Of Connect; 0: the answer is no error. */
  readonly code: number;
  /** Names and values in turn, as Node takes them. */
  readonly fields: readonly string[];
  /** A text rather than bytes where possible: Node then writes head and body in one piece. */
  readonly body: string | Uint8Array;
  /** Of a text: one of single-byte characters costs Node less work. */
  readonly encoding: "latin1" | "utf8";
};

export type AnswerFacts = {
  readonly status: number;
  /** Of Connect, where the answer is an error. */
  readonly code?: number;
  readonly type: "application/json" | "application/proto";
  readonly body: string | Uint8Array;
  /** The text is known to be ASCII: to count the bytes of a text that was just joined costs microseconds. */
  readonly isAscii?: boolean;
  /** The header Retry-After, in seconds; undefined: none. */
  readonly retryAfterS?: number | undefined;
};

export function plainAnswer(facts: AnswerFacts): PlainAnswer {
  const { status, code = 0, type, body, isAscii = false, retryAfterS } = facts;
  const length = isAscii || typeof body !== "string" ? body.length : Buffer.byteLength(body);
  const fields = ["content-type", type, "content-length", String(length)];
  if (retryAfterS !== undefined) fields.push("retry-after", String(retryAfterS));
  return { status, code, fields, body, encoding: length === body.length ? "latin1" : "utf8" };
}

/** The header fields of a plain call. */
export type PlainHead = {
  readonly codec: Codec;
  /** Bytes of the body, 1 or more. */
  readonly length: number;
  readonly host: string;
  /** The caller's deadline in ms; Infinity: none. */
  readonly timeoutMs: number;
};

const CODECS: ReadonlyMap<string, Codec> = new Map([
  ["application/json", "json"],
  ["application/json; charset=utf-8", "json"],
  ["application/json;charset=utf-8", "json"],
  ["application/proto", "proto"],
]);
const DIGITS = /^\d{1,10}$/;

/** Reads a complete head that Node's parser has accepted. undefined: no plain call. */
export function readPlainHead(headers: IncomingHttpHeaders): PlainHead | undefined {
  const { host, "content-type": type, "content-length": told, "connect-timeout-ms": timeout } = headers;
  const codec = type === undefined ? undefined : CODECS.get(type);
  if (codec === undefined || host === undefined || told === undefined) return undefined;
  if (headers["content-encoding"] !== undefined || headers["transfer-encoding"] !== undefined)
    return undefined;
  const length = Number(told);
  const timeoutMs = timeout === undefined ? Number.POSITIVE_INFINITY : timeoutOf(timeout);
  return length > 0 && timeoutMs !== undefined ? { codec, length, host, timeoutMs } : undefined;
}

/** In ms; undefined where it is malformed. */
function timeoutOf(header: string | string[]): number | undefined {
  return typeof header === "string" && DIGITS.test(header) ? Number(header) : undefined;
}
