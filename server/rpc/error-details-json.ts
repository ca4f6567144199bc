import { type DescMessage, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, base64Encode, WireType } from "@bufbuild/protobuf/wire";
import type { Refusal } from "../../campaign/refusal.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../proto/gen/google/rpc/error_details_pb.ts";
import { detailsOf } from "./error-details.ts";
import { instant } from "./proto-json-instant.ts";

/**
 * Writes the details of an error as the Connect protocol writes them in JSON, separated by commas, for any
 * `retry_after_ms`. Those of a crowd change with each millisecond and caller, so they are written without the
 * reflection of a general codec, which takes ten times as long; a test compares both.
 */
export function detailsWriter(refusal: Refusal, serverNowMs: number): (retryAfterMs: number) => string {
  if (refusal.reason === "INVALID" || refusal.reason === "NOT_ALLOWED")
    return (retryAfterMs) =>
      detailsOf(refusal, retryAfterMs, serverNowMs)
        .map(({ desc, value }) => generalJson(desc, value))
        .join();
  const own = refusalWriter(refusal, serverNowMs);
  const info = errorInfoJson(refusal);
  return (retryAfterMs) => {
    const retryMs = Math.ceil(retryAfterMs);
    return retryMs > 0 ? `${own(retryMs)},${info},${retryInfoJson(retryMs)}` : `${own(retryMs)},${info}`;
  };
}

function generalJson(desc: DescMessage, value: Message): string {
  const bytes = toBinary(desc, value);
  return detailJson(desc, JSON.stringify(toJson(desc, value)), bytes);
}

function detailJson({ typeName }: DescMessage, debug: string, bytes: Uint8Array): string {
  return `{"type":"${typeName}","debug":${debug},"value":"${base64Encode(bytes, "std_raw")}"}`;
}

const { reason, startsAt, serverTime, retryAfterMs: retry } = RefusalSchema.field;

/** The field of the wait is the last one, so that all before it is written once. */
function refusalWriter(refusal: Refusal, serverNowMs: number): (retryMs: number) => string {
  const startsAtMs = refusal.reason === "NOT_STARTED" ? refusal.startsAtMs : undefined;
  const writer = new BinaryWriter();
  writer.tag(reason.number, WireType.Varint).int32(RefusalReason[refusal.reason]);
  if (startsAtMs !== undefined) writeTimestamp(writer, startsAt.number, startsAtMs);
  writeTimestamp(writer, serverTime.number, serverNowMs);
  const bytes = writer.finish();
  // Base64 writes three bytes as four characters: the rest of them goes with the wait.
  const whole = bytes.length - (bytes.length % 3);
  const rest = bytes.subarray(whole);
  const starts = startsAtMs === undefined ? "" : `,"startsAt":"${instant(startsAtMs)}"`;
  const debug = `{"reason":"REFUSAL_REASON_${refusal.reason}"${starts},"serverTime":"${instant(serverNowMs)}"`;
  const head = inOnePiece(`{"type":"${RefusalSchema.typeName}","debug":${debug}`);
  const value = inOnePiece(`},"value":"${base64Encode(bytes.subarray(0, whole), "std_raw")}`);
  return (retryMs) => {
    const wait = retryMs > 0 ? `,"retryAfterMs":"${retryMs}"` : "";
    return `${head}${wait}${value}${tailInBase64(rest, retryMs)}"}`;
  };
}

/** V8 keeps a text that was joined of others as a tree, and walks all of it each time that it is sent. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}

/** Two bytes before it, its tag, and a 64-bit varint. */
const tail = Buffer.alloc(13);
const BITS_7 = 0x80;

/** These bytes and the field of the wait. */
function tailInBase64(before: Uint8Array, retryMs: number): string {
  let at = 0;
  for (const byte of before) tail[at++] = byte;
  if (retryMs > 0) {
    tail[at++] = (retry.number << 3) | WireType.Varint;
    let left = retryMs;
    for (; left >= BITS_7; left = Math.floor(left / BITS_7)) tail[at++] = (left % BITS_7) | BITS_7;
    tail[at++] = left;
  }
  const padded = tail.toString("base64", 0, at);
  return at % 3 === 0 ? padded : padded.slice(0, (at % 3) - 3);
}

/** By the parts in which the ErrorInfo of two refusals differs. */
const errorInfos = new Map<string, string>();

function errorInfoJson(refusal: Refusal): string {
  const key = refusal.reason === "RATE_LIMITED" ? `RATE_LIMITED ${refusal.by}` : refusal.reason;
  const known = errorInfos.get(key);
  if (known !== undefined) return known;
  const info = detailsOf(refusal, 0, 0).find(({ desc }) => desc === ErrorInfoSchema);
  if (info === undefined) throw new Error("an error without its ErrorInfo");
  const json = inOnePiece(generalJson(info.desc, info.value));
  errorInfos.set(key, json);
  return json;
}

/** A crowd that waits is told few different times, each again and again. */
const RETRY_INFOS = 8_192;
const retryInfos: { readonly ms: number; readonly json: string }[] = [];

function retryInfoJson(retryMs: number): string {
  const known = retryInfos[retryMs % RETRY_INFOS];
  if (known?.ms === retryMs) return known.json;
  const json = inOnePiece(newRetryInfoJson(retryMs));
  retryInfos[retryMs % RETRY_INFOS] = { ms: retryMs, json };
  return json;
}

function newRetryInfoJson(retryMs: number): string {
  const writer = new BinaryWriter();
  writer.tag(RetryInfoSchema.field.retryDelay.number, WireType.LengthDelimited).fork();
  writeSecondsAndNanos(writer, retryMs);
  const [seconds, ms] = [Math.floor(retryMs / 1_000), retryMs % 1_000];
  const fraction = ms === 0 ? "" : `.${String(ms).padStart(3, "0")}`;
  return detailJson(RetryInfoSchema, `{"retryDelay":"${seconds}${fraction}s"}`, writer.join().finish());
}

function writeTimestamp(writer: BinaryWriter, field: number, ms: number): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  writeSecondsAndNanos(writer, ms);
  writer.join();
}

/** The fields of google.protobuf.Timestamp and Duration: int64 seconds = 1, int32 nanos = 2. */
function writeSecondsAndNanos(writer: BinaryWriter, ms: number): void {
  const seconds = Math.floor(ms / 1_000);
  const nanos = (ms - seconds * 1_000) * 1_000_000;
  if (seconds !== 0) writer.tag(1, WireType.Varint).int64(seconds);
  if (nanos !== 0) writer.tag(2, WireType.Varint).int32(nanos);
}
