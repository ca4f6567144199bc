import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../runtime/clock.ts";
import { beginningOf } from "../../runtime/well-formed.ts";
import { JsonText } from "./json-text.ts";
import { toConnectError } from "./rpc-status.ts";
import { INSTANT_RULE } from "./validation.ts";

/**
 * Checks JSON requests strictly. The codec of protobuf-es is lenient: it reads 30 February as 2 March, hour
 * 24 as the next day, and "0x10" as 16; and where it does refuse an instant or a name of an enum, its error
 * does not name the field. All of these are refused here, by the descriptor of the request, before the codec
 * gets the text; other mistakes are left to the codec. Source of the mapping: the protobuf language guide,
 * "ProtoJSON format".
 */
export type JsonDecoder = { decode(bytes?: Uint8Array): string };

type Wrong = { readonly field: string; readonly allowed: string };
/** Checks the value that a field was given. */
type Check = (json: unknown, field: string) => Wrong | undefined;

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
/** A whole number, written as one; the fields of requests have no other numbers. */
const WHOLE = /^-?(?:0|[1-9]\d*)$/;
/** In a text that is JSON: a string, or a number. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const ECHOED_MAX = 40;

/**
 * Decodes the text of a request of this type, and checks it.
 * @throws Error at the start, for a type that has a field of a kind that no request had so far
 */
export function strictDecoder(request: DescMessage, clock: Clock): JsonDecoder {
  const decoder = new JsonText();
  const check = checkOfMessage(request);
  if (check === undefined) return decoder;
  return {
    decode(bytes) {
      const text = decoder.decode(bytes);
      const wrong = check(parsed(text), "");
      if (wrong !== undefined) throw toConnectError({ reason: "INVALID", ...wrong }, clock.now());
      return text;
    },
  };
}

/**
 * A number as it is written: JSON.parse makes 5 of 4.9999999999999999, and another whole number of one beyond
 * 2^53.
 */
type Written = { readonly number: string };

/** Parses with every number as `Written`. undefined: the text is no JSON, and the codec refuses it. */
function parsed(text: string): unknown {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, (part) => (part.startsWith('"') ? part : `{"number":"${part}"}`)),
  );
}

function isWritten(json: unknown): json is Written {
  return typeof json === "object" && json !== null && typeof (json as Partial<Written>).number === "string";
}

/** undefined: no field of the message can be misread. */
function checkOfMessage(desc: DescMessage): Check | undefined {
  if (desc.typeName === TimestampSchema.typeName) return checkInstant;
  if (desc.typeName.startsWith("google.protobuf.")) throw notRead(desc.typeName);
  const checks = new Map<string, { readonly name: string; readonly check: Check }>();
  for (const field of desc.fields) {
    const check = checkOfField(field);
    if (check === undefined) continue;
    for (const spelled of [field.name, field.jsonName]) checks.set(spelled, { name: field.name, check });
  }
  if (checks.size === 0) return undefined;
  return (json, path) => {
    if (typeof json !== "object" || json === null) return undefined;
    for (const [spelled, value] of Object.entries(json)) {
      const known = checks.get(spelled);
      // In JSON, null means that a field is absent.
      if (known === undefined || value === null) continue;
      const wrong = known.check(value, path === "" ? known.name : `${path}.${known.name}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
}

function checkOfField(field: DescField): Check | undefined {
  switch (field.fieldKind) {
    case "scalar":
      return checkOfScalar(field.scalar, field);
    case "enum":
      return checkOfEnum(field.enum);
    case "message":
      return checkOfMessage(field.message);
    case "list":
      return checkOfList(field);
    case "map":
      // Of texts: the codec refuses anything else, and nothing in them can be misread.
      if (field.mapKind === "scalar" && field.scalar === ScalarType.STRING) return undefined;
      throw notRead(String(field));
    default:
      throw notRead(String(field));
  }
}

function checkOfList(field: DescField & { fieldKind: "list" }): Check | undefined {
  const check =
    field.listKind === "message"
      ? checkOfMessage(field.message)
      : field.listKind === "enum"
        ? checkOfEnum(field.enum)
        : checkOfScalar(field.scalar, field);
  if (check === undefined) return undefined;
  return (json, name) => {
    if (!Array.isArray(json)) return undefined;
    for (const item of json) {
      const wrong = check(item, name);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
}

function checkOfScalar(scalar: ScalarType, field: DescField): Check | undefined {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BOOL:
      return undefined;
    case ScalarType.BYTES:
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      throw notRead(String(field));
    default:
      return checkNumber;
  }
}

/** A number, or one in quotes: whole either way. */
function checkNumber(json: unknown, field: string): Wrong | undefined {
  const text = isWritten(json) ? json.number : json;
  if (typeof text === "string" && !WHOLE.test(text))
    return { field, allowed: `is ${echoed(json)}: must be a whole number, in decimal digits alone` };
  if (isWritten(json) && Math.abs(Number(json.number)) > Number.MAX_SAFE_INTEGER)
    return {
      field,
      allowed: `is ${echoed(json)}: a whole number beyond ${Number.MAX_SAFE_INTEGER} must be in quotes`,
    };
  return undefined;
}

function checkOfEnum(desc: DescEnum): Check {
  const names = desc.values.map(({ name }) => name);
  return (json, field) => {
    if (isWritten(json) || (typeof json === "string" && names.includes(json))) return undefined;
    return { field, allowed: `is ${echoed(json)}: must be one of ${names.join(", ")}` };
  };
}

function checkInstant(json: unknown, field: string): Wrong | undefined {
  const match = typeof json === "string" ? RFC_3339.exec(json) : null;
  if (match === null) return { field, allowed: `is ${echoed(json)}: must be ${INSTANT_RULE}` };
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const isThere =
    year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && hour <= 23;
  if (isThere && minute <= 59 && second <= 59) {
    if (isInYears(match)) return undefined;
    return {
      field,
      allowed: `is ${echoed(json)}, which in UTC is not in the years 1 to 9999: must be ${INSTANT_RULE}`,
    };
  }
  return { field, allowed: `is ${echoed(json)}, which is not on the calendar: must be ${INSTANT_RULE}` };
}

/**
 * Whether an instant on the calendar is in the years 1 to 9999 in UTC too, where a Timestamp must be: its
 * offset may push it out.
 */
function isInYears(match: RegExpExecArray): boolean {
  const [, year, month, day, hour, minute, second, sign, hours = 0, minutes = 0] = match;
  const local = new Date(0);
  // Not Date.UTC, which reads the year 1 as 1901.
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  local.setUTCHours(Number(hour), Number(minute), Number(second));
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const inUtc = new Date(local.getTime() - offsetMs).getUTCFullYear();
  return inUtc >= 1 && inUtc <= 9_999;
}

/** Months 1 to 12 of the Gregorian calendar. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** What was given, short enough for a message. */
function echoed(json: unknown): string {
  const text = isWritten(json) ? json.number : JSON.stringify(json);
  return text.length > ECHOED_MAX ? `${beginningOf(text, ECHOED_MAX)}…` : text;
}

function notRead(what: string): Error {
  return new Error(
    `no JSON request had a ${what} so far: say in strict-json.ts how it is held to what it spells`,
  );
}
