import { create, toBinary } from "@bufbuild/protobuf";
import {
  FindCouponRequestSchema,
  GetCampaignStatusRequestSchema,
  IssueCouponRequestSchema,
} from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { FIND_PATH } from "../../../server/rpc/find-answer.ts";
import { ISSUE_PATH } from "../../../server/rpc/issue-answer.ts";
import { STATUS_PATH } from "../../../server/rpc/status-answer.ts";
import type { Random } from "../simulation/random.ts";
import type { Script } from "./talk.ts";

/**
 * Random requests. Most are plain or differ from a plain one in one respect, because a request with several
 * oddities is refused at the first of them.
 */

/**
 * Not HEAD: its answers give the length of a body that they do not have, so the start of the next answer
 * cannot be found.
 */
const METHODS = ["GET", "PUT", "post", "OPTIONS", "DELETE"];
const TARGETS = [
  ...[`${ISSUE_PATH}?a=b`, `${ISSUE_PATH}/`, `http://a.example${ISSUE_PATH}`, "/", "*", "//x", "/readyz"],
  ...[
    `${FIND_PATH}?code=b`,
    ISSUE_PATH.toLowerCase(),
    FIND_PATH.toUpperCase(),
    `${STATUS_PATH}#a`,
    `/.${STATUS_PATH}`,
  ],
];
const TYPES = [
  ...["application/json; charset=utf-8", "application/json;charset=utf-8", "application/json;charset=latin1"],
  ...["Application/JSON", "application/json ", "text/json", "text/plain", "application/connect+json", ""],
  ...["application/grpc-web+proto", "application/x-protobuf", "application/proto; a=b", "application/jsonx"],
];
const FIELDS: readonly (readonly [string, readonly string[]])[] = [
  ["connect-timeout-ms", ["0", "5000", "9999999999", "99999999999", "-1", "soon", "", "1, 2", "0x10"]],
  ["connect-protocol-version", ["1", "2", ""]],
  ["content-encoding", ["identity", "gzip", "br", "zstd", ""]],
  ["accept-encoding", ["gzip, br", "identity"]],
  ["transfer-encoding", ["chunked", "identity", "gzip, chunked", ""]],
  ["connection", ["keep-alive", "close", "upgrade", "te"]],
  ["proxy-connection", ["close"]],
  ["upgrade", ["h2c", "websocket"]],
  ["te", ["trailers"]],
  ["host", ["b", "a b", "", "[::1]", "a:99999", "x@y", "가"]],
  ["content-length", ["1", "0", "-1", "+2", "0x2", "1, 1", "02", "16385"]],
  ["content-type", TYPES],
  ["origin", ["http://a.example"]],
  ["authorization", ["Bearer x"]],
  ["x-a", ["", " b\t", "\u00fc", "b".repeat(400), `x${" ".repeat(3_000)}b`]],
  ["grpc-timeout", ["1S"]],
  ["user-agent", ["connect-es/2.1.2"]],
];
const TEXTS = [
  "",
  "a",
  "winner",
  "가 나",
  "é",
  "\u{1f600}",
  '"',
  "\\",
  "a\u0001",
  "x".repeat(130),
  "</b>",
  "\u2028",
];

function bodyOf(random: Random, path: string): { codec: "json" | "proto"; body: Buffer } {
  const text = () => (random.chance(0.5) ? random.pick(TEXTS) : `u${random.below(1_000)}`);
  const campaignId = random.chance(0.7) ? "01ARZ3NDEKTSV4RRFFQ69G5FAV" : text();
  const perhaps = () => (random.chance(0.3) ? text() : "");
  const issue = path === STATUS_PATH ? {} : { userId: text(), requestId: perhaps() };
  const fields = { campaignId, ...issue, ...(path === FIND_PATH ? { code: perhaps() } : {}) };
  if (random.chance(0.35)) return { codec: "proto", body: Buffer.from(inBinary(path, fields)) };
  const snake = random.chance(0.3);
  const members = Object.entries(fields)
    .filter(() => !random.chance(0.1))
    .map(([name, value]) => [snake ? name.replace("Id", "_id") : name, value] as [string, unknown]);
  if (random.chance(0.1))
    members.push([
      random.pick(["new", "userId", "user_id", "campaign_id", "code"]),
      random.pick([7, null, "b", []]),
    ]);
  if (random.chance(0.3)) members.reverse();
  const blank = () => (random.chance(0.1) ? random.pick([" ", "\n", "\t", "\u00a0", "\ufeff"]) : "");
  const parts = members.map(
    ([name, value]) => `${blank()}${JSON.stringify(name)}${blank()}:${blank()}${JSON.stringify(value)}`,
  );
  return { codec: "json", body: Buffer.from(`${blank()}{${parts.join(",")}${blank()}}${blank()}`) };
}

function inBinary(path: string, fields: object): Uint8Array {
  switch (path) {
    case ISSUE_PATH:
      return toBinary(IssueCouponRequestSchema, create(IssueCouponRequestSchema, fields));
    case FIND_PATH:
      return toBinary(FindCouponRequestSchema, create(FindCouponRequestSchema, fields));
    default:
      return toBinary(GetCampaignStatusRequestSchema, create(GetCampaignStatusRequestSchema, fields));
  }
}

/** Changes, removes, doubles or cuts off some bytes. */
function mutated(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  switch (random.below(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(random.pick(["\r\n", "\n", "\0", " ", "\t", ":", '"', "\xff"]), "latin1"),
        bytes.subarray(at),
      ]);
  }
}

function inAnyCase(random: Random, name: string): string {
  if (random.chance(0.7)) return name;
  return random.chance(0.5)
    ? name.toUpperCase()
    : name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/**
 * Only in the first request of a connection: behind another one, Node 20 may write 100 Continue between the
 * head and the body of its answer, both with the fast path and without.
 */
const EXPECT: (typeof FIELDS)[number] = ["expect", ["100-continue", "200-ok"]];

function requestOf(random: Random, isFirst: boolean): Buffer {
  const path = random.chance(0.5) ? ISSUE_PATH : random.pick([FIND_PATH, FIND_PATH, STATUS_PATH]);
  const { codec, body: plain } = bodyOf(random, path);
  const body = random.chance(0.12)
    ? mutated(random, plain)
    : random.chance(0.02)
      ? Buffer.alloc(17_000, plain.length === 0 ? " " : plain)
      : plain;
  const method = random.chance(0.95) ? "POST" : random.pick(METHODS);
  const target = random.chance(0.93) ? path : random.pick(TARGETS);
  const version = random.chance(0.94) ? "1.1" : random.pick(["1.0", "1.0", "0.9", "2.0"]);
  const type = random.chance(0.9) ? `application/${codec}` : random.pick(TYPES);
  const isChunked = random.chance(0.05);
  const fields: [string, string][] = [];
  if (!random.chance(0.02)) fields.push(["host", "127.0.0.1"]);
  if (!random.chance(0.02)) fields.push(["content-type", type]);
  if (isChunked) fields.push(["transfer-encoding", "chunked"]);
  else if (!random.chance(0.02))
    fields.push(["content-length", String(body.length + (random.chance(0.03) ? random.below(5) - 2 : 0))]);
  for (let more = random.chance(0.5); more; more = random.chance(0.4)) {
    const [name, values] = isFirst && random.chance(0.05) ? EXPECT : random.pick(FIELDS);
    fields.splice(random.below(fields.length + 1), 0, [name, random.pick(values)]);
  }
  const lines = fields.map(
    ([name, value]) =>
      `${inAnyCase(random, name)}:${random.chance(0.9) ? " " : random.pick(["", "\t", "  "])}${value}\r\n`,
  );
  const head = Buffer.from(`${method} ${target} HTTP/${version}\r\n${lines.join("")}\r\n`);
  const sent = isChunked
    ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")])
    : body;
  const whole = Buffer.concat([head, sent]);
  return random.chance(0.04) ? mutated(random, whole) : whole;
}

/** The bytes of one connection: one request, or several in a row, in pieces that end anywhere. */
export function scriptOf(random: Random): Script {
  const requests: Buffer[] = [requestOf(random, true)];
  while (random.chance(0.3)) requests.push(requestOf(random, false));
  const all = Buffer.concat(requests);
  const pieces: Buffer[] = [];
  if (random.chance(0.02) && all.length < 600) for (const byte of all) pieces.push(Buffer.of(byte));
  else {
    let from = 0;
    for (let cuts = random.chance(0.5) ? 0 : 1 + random.below(4); cuts > 0; cuts--) {
      const to = from + random.below(all.length - from + 1);
      if (to > from) pieces.push(all.subarray(from, to));
      from = to;
    }
    if (from < all.length) pieces.push(all.subarray(from));
  }
  return { pieces, endsEarly: random.chance(0.08) };
}
