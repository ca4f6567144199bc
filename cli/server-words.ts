import { instantText, printable } from "./render.ts";

/**
 * The flag for each field of a request that the service may refuse; a field without a flag is not listed.
 */
export const flagOfField: Readonly<Record<string, string>> = {
  actor: "--actor",
  after_revision: "--after",
  bucket_ms: "--bucket",
  buckets: "--seconds",
  campaign_id: "the campaign id",
  code: "--code",
  claim_auth: "--claim-auth",
  code_format: "--format",
  code_formats: "--format",
  count: "--count",
  ends_at: "--end",
  interval_ms: "--interval",
  name: "--name",
  no_end: "--no-end",
  offenders_max: "--offenders",
  page_size: "--limit",
  page_token: "--page-token",
  request_id: "--request-id",
  starts_at: "--start",
  total: "--total",
  user_id: "--user",
};

/** Verbs with another flag for a field. */
const flagsOfVerb: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  find: { request_id: "--request" },
};

const headPattern = /^(\w+(?:, \w+)*)(: .*)$/s;
// A field of one word, such as name, is also an English word; only at the beginning of a message it is surely
// a field.
const spelledPattern = /\b[a-z]+_[a-z]+\b/g;
const instantPattern = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g;

/**
 * "starts_at: is before 1970" → "--start: is before 1970"; a field without a flag stays as it is, after "an
 * argument: ".
 */
export function inFlags(serverMessage: string, verb = ""): string {
  const [, fields = "", rest = ""] = headPattern.exec(serverMessage) ?? [];
  const flagOf: Readonly<Record<string, string>> = { ...flagOfField, ...flagsOfVerb[verb] };
  const flags = fields.split(", ").map((field) => flagOf[field]);
  if (flags.includes(undefined)) return `an argument: ${serverMessage}`;
  return flags.join(", ") + rest.replace(spelledPattern, (field) => flagOf[field] ?? field);
}

/** Instants that the service wrote in UTC, on the operator's wall clock too. */
export function withInstants(serverText: string, zone: string): string {
  return serverText.replace(instantPattern, (instant) => {
    const epochMs = Date.parse(instant);
    return Number.isNaN(epochMs) ? instant : instantText(epochMs, zone);
  });
}

const namedInstants: Readonly<Record<string, string>> = { starts_at: "the start", ends_at: "the end" };

/** The service's notices about a change, one line each. */
export function noticeLines(notices: readonly string[], zone: string): string {
  return notices
    .map((notice) => {
      const named = printable(notice).replace(spelledPattern, (field) => namedInstants[field] ?? field);
      return `  note: ${withInstants(named, zone)}\n`;
    })
    .join("");
}
