import { ISSUE_PATH } from "../rpc/issue-answer.ts";
import { type Codec, codecOf, timeoutOf } from "./plain-call.ts";

/** What matters of the head of a plain request for a coupon. */
export type PlainHead = {
  readonly codec: Codec;
  /** Bytes of the body, 1 or more. */
  readonly length: number;
  /** The caller's deadline in ms; Infinity: none. */
  readonly timeoutMs: number;
};

/**
 * Reads the head of an HTTP/1.1 request from the bytes that came: the head and where its body begins; `more`: all is plain so far, but it
 * is not whole; undefined: anything else. Takes a small part of what HTTP allows and leaves the rest to Node's parser, so that nothing
 * is understood here in another way than there. Source of the grammar: RFC 9112, sections 2 to 6; RFC 9110, section 5.
 */
export type ReadPlainHead = (
  bytes: Buffer,
) => { readonly head: PlainHead; readonly bodyAt: number } | "more" | undefined;

const REQUEST_LINE = `POST ${ISSUE_PATH} HTTP/1.1\r\n`;
const HEAD_BYTES_MAX = 8 * 1_024;
const FIELDS_MAX = 64;
/** A token, a colon, and visible ASCII with spaces around and between; tabs are not read alike by all. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): *([\x20-\x7e]*)$/;
const LENGTH = /^[1-9]\d{0,5}$/;
/** Fields of which each says something else when it comes twice. */
const SINGLE = new Set(["host", "content-length", "content-type", "connect-timeout-ms", "connection"]);
/** Fields that change how the message is to be read, or what is to be done with the connection. */
const NOT_PLAIN = new Set([
  ...["transfer-encoding", "content-encoding", "trailer", "te", "upgrade", "expect"],
  // Node's parser takes it for the connection field.
  "proxy-connection",
]);
/** Callers come with few different heads, again and again. */
const KNOWN_MAX = 1_000;
const KNOWN_LENGTH_MAX = 1_024;

/** `bodyBytesMax`: a longer body is not plain. */
export function createPlainHeadReader(bodyBytesMax: number): ReadPlainHead {
  const known = new Map<string, PlainHead>();

  function headOf(fields: string): PlainHead | undefined {
    const before = known.get(fields);
    if (before !== undefined) return before;
    const head = parseFields(fields, bodyBytesMax);
    if (head !== undefined && fields.length <= KNOWN_LENGTH_MAX) {
      if (known.size >= KNOWN_MAX) known.clear();
      // A copy: a slice would keep the whole request in memory.
      known.set(Buffer.from(fields, "latin1").toString("latin1"), head);
    }
    return head;
  }

  return (bytes) => {
    const text = bytes.toString("latin1", 0, Math.min(bytes.length, HEAD_BYTES_MAX));
    if (!text.startsWith(REQUEST_LINE)) return REQUEST_LINE.startsWith(text) ? "more" : undefined;
    // From the end of the request line on, which may be the end of the head as well.
    const end = text.indexOf("\r\n\r\n", REQUEST_LINE.length - 2);
    if (end < 0) return bytes.length < HEAD_BYTES_MAX ? "more" : undefined;
    const head = headOf(text.slice(REQUEST_LINE.length, end));
    return head === undefined ? undefined : { head, bodyAt: end + 4 };
  };
}

function parseFields(fields: string, bodyBytesMax: number): PlainHead | undefined {
  const lines = fields.split("\r\n");
  if (lines.length > FIELDS_MAX) return undefined;
  const single = new Map<string, string>();
  for (const line of lines) {
    const match = FIELD.exec(line);
    if (match === null) return undefined;
    const name = match[1]?.toLowerCase() ?? "";
    if (NOT_PLAIN.has(name)) return undefined;
    if (!SINGLE.has(name)) continue;
    if (single.has(name)) return undefined;
    single.set(name, match[2]?.replace(/ +$/, "") ?? "");
  }
  const codec = codecOf(single.get("content-type"));
  const timeoutMs = timeoutOf(single.get("connect-timeout-ms"));
  const told = single.get("content-length") ?? "";
  const length = LENGTH.test(told) ? Number(told) : 0;
  const host = single.get("host");
  // The framework makes a URL of the host and refuses what is none.
  if (codec === undefined || timeoutMs === undefined || host === undefined) return undefined;
  if (!URL.canParse(`http://${host}`)) return undefined;
  if (length < 1 || length > bodyBytesMax) return undefined;
  const connection = single.get("connection")?.toLowerCase() ?? "keep-alive";
  return connection === "keep-alive" ? { codec, length, timeoutMs } : undefined;
}
