import { plainAddress } from "../../runtime/plain-address.ts";

/**
 * The header of the PROXY protocol, with which a proxy that passes on bytes says where a connection comes
 * from. Source: haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1 and 2.2.
 */
export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: "incomplete" }
  /** These bytes are no such header. */
  | { readonly kind: "wrong" }
  /** `address` undefined: the connection is the proxy's own, or is of no IP protocol. */
  | { readonly kind: "header"; readonly length: number; readonly address: string | undefined };

const INCOMPLETE = { kind: "incomplete" } as const;
const WRONG = { kind: "wrong" } as const;

const V1_START = Buffer.from("PROXY ");
const V1_LENGTH_MAX = 107;
const PORT = String.raw`\d{1,5}`;
const V1_LINE = new RegExp(`^PROXY (TCP[46]) (\\S+) (\\S+) ${PORT} ${PORT}$`);
const V1_UNKNOWN = /^PROXY UNKNOWN( .*)?$/;

const V2_START = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_HEAD_LENGTH = 16;
/** Addresses, and what proxies add to them (names, checksums, facts about TLS). */
const V2_REST_MAX = 4_096;
const V2_VERSION = 2;
const [LOCAL, PROXY] = [0, 1];
/** By family and protocol: the bytes of the source address, and of both addresses with their ports. */
const V2_FAMILIES = new Map([
  [0x11, { source: 4, whole: 12 }],
  [0x21, { source: 16, whole: 36 }],
]);

/** Awaits a few kilobytes at most: a longer header is wrong. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2_START)) return bytes.length < V2_HEAD_LENGTH ? INCOMPLETE : version2(bytes);
  return startsLike(bytes, V1_START) ? version1(bytes) : WRONG;
}

/** As far as the bytes go: some may be still on their way. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function version1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_LENGTH_MAX).indexOf("\r\n");
  if (end < 0) return bytes.length < V1_LENGTH_MAX ? INCOMPLETE : WRONG;
  const line = bytes.toString("latin1", 0, end);
  const length = end + 2;
  if (V1_UNKNOWN.test(line)) return { kind: "header", length, address: undefined };
  const [, family, source = ""] = V1_LINE.exec(line) ?? [];
  const address = plainAddress(source);
  const isOfFamily = source.includes(":") === (family === "TCP6");
  return address === undefined || !isOfFamily ? WRONG : { kind: "header", length, address };
}

function version2(bytes: Buffer): ProxyHeader {
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0xf];
  const rest = bytes.readUInt16BE(14);
  if (version !== V2_VERSION || command > PROXY || rest > V2_REST_MAX) return WRONG;
  const length = V2_HEAD_LENGTH + rest;
  if (bytes.length < length) return INCOMPLETE;
  const family = V2_FAMILIES.get(bytes.readUInt8(13));
  if (command === LOCAL || family === undefined) return { kind: "header", length, address: undefined };
  if (rest < family.whole) return WRONG;
  const source = bytes.subarray(V2_HEAD_LENGTH, V2_HEAD_LENGTH + family.source);
  const text =
    family.source === 4 ? source.join(".") : (source.toString("hex").match(/.{4}/g) ?? []).join(":");
  const address = plainAddress(text);
  return address === undefined ? WRONG : { kind: "header", length, address };
}
