import { type DescMessage, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, base64Encode, WireType } from "@bufbuild/protobuf/wire";
import type { Refusal } from "../../campaign/refusal.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../proto/gen/google/rpc/error_details_pb.ts";
import { detailsOf } from "./error-details.ts";
import { instant } from "./proto-json-instant.ts";

/**
 * The details of an error as the Connect protocol writes them in JSON, separated by commas. Those of a crowd
 * change with each millisecond, so they are written without the reflection of a general codec, which takes
 * ten times as long; a test compares both.
 */
export function writeDetails(refusal: Refusal, retryAfterMs: number, serverNowMs: number): string {
  if (refusal.reason === "INVALID" || refusal.reason === "NOT_ALLOWED") {
    const details = detailsOf(refusal, retryAfterMs, serverNowMs);
    return details.map(({ desc, value }) => generalJson(desc, value)).join();
  }
  const retryMs = Math.ceil(retryAfterMs);
  const own = refusalJson(refusal, retryMs, serverNowMs);
  const info = errorInfoJson(refusal);
  return retryMs > 0 ? `${own},${info},${retryInfoJson(retryMs)}` : `${own},${info}`;
}

function generalJson(desc: DescMessage, value: Message): string {
  const bytes = toBinary(desc, value);
  return detailJson(desc, JSON.stringify(toJson(desc, value)), bytes);
}

function detailJson({ typeName }: DescMessage, debug: string, bytes: Uint8Array): string {
  return `{"type":"${typeName}","debug":${debug},"value":"${base64Encode(bytes, "std_raw")}"}`;
}

const { reason, startsAt, serverTime, retryAfterMs: retry } = RefusalSchema.field;

function refusalJson(refusal: Refusal, retryMs: number, serverNowMs: number): string {
  const name = `REFUSAL_REASON_${refusal.reason}`;
  const startsAtMs = refusal.reason === "NOT_STARTED" ? refusal.startsAtMs : undefined;
  const writer = new BinaryWriter();
  writer.tag(reason.number, WireType.Varint).int32(RefusalReason[refusal.reason]);
  if (startsAtMs !== undefined) writeTimestamp(writer, startsAt.number, startsAtMs);
  writeTimestamp(writer, serverTime.number, serverNowMs);
  if (retryMs > 0) writer.tag(retry.number, WireType.Varint).int64(retryMs);
  const starts = startsAtMs === undefined ? "" : `,"startsAt":"${instant(startsAtMs)}"`;
  const wait = retryMs > 0 ? `,"retryAfterMs":"${retryMs}"` : "";
  const debug = `{"reason":"${name}"${starts},"serverTime":"${instant(serverNowMs)}"${wait}}`;
  return detailJson(RefusalSchema, debug, writer.finish());
}

/** By the parts in which the ErrorInfo of two refusals differs. */
const errorInfos = new Map<string, string>();

function errorInfoJson(refusal: Refusal): string {
  const key = refusal.reason === "RATE_LIMITED" ? `RATE_LIMITED ${refusal.by}` : refusal.reason;
  const known = errorInfos.get(key);
  if (known !== undefined) return known;
  const info = detailsOf(refusal, 0, 0).find(({ desc }) => desc === ErrorInfoSchema);
  if (info === undefined) throw new Error("an error without its ErrorInfo");
  const json = generalJson(info.desc, info.value);
  errorInfos.set(key, json);
  return json;
}

function retryInfoJson(retryMs: number): string {
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
