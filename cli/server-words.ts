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
  codes: "--codes",
  claim_auth: "--claim-auth",
  code_format: "--format",
  code_formats: "--format",
  count: "--count",
  ends_at: "--end",
  exchange: "--exchange",
  ids: "--id",
  import_id: "--codes",
  interval_ms: "--interval",
  keep_users: "--keep-users",
  key: "--key",
  max_per_user: "--max-per-user",
  metadata: "--meta",
  name: "--name",
  no_end: "--no-end",
  offenders_max: "--offenders",
  overlap_ms: "--overlap",
  page_size: "--limit",
  page_token: "--page-token",
  reason: "--reason",
  "redemption.bound_to_user": "--bound-to-user",
  "redemption.max_redemptions": "--max-redemptions",
  "redemption.valid_days": "--valid-days",
  "redemption.valid_from": "--valid-from",
  "redemption.valid_until": "--valid-until",
  remove_metadata: "--unmeta",
  request_id: "--request-id",
  secret: "--secret-file",
  set_metadata: "--meta",
  sink: "the name of the sink",
  series_id: "--series",
  starts_at: "--start",
  thresholds: "--thresholds",
  timeout_ms: "--for",
  total: "--total",
  types: "--types",
  url: "--to",
  user_id: "--user",
  user_ids: "--users",
  forget_users_after_days: "--forget-users-after",
};

/** Verbs with another flag for a field. */
const flagsOfVerb: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  find: { request_id: "--request" },
  proof: { request_id: "--request" },
  sinks: { name: "the name of the sink", campaign_id: "--campaign" },
  events: { campaign_id: "--campaign" },
};

const headPattern = /^([\w.]+(?:, [\w.]+)*)(: .*)$/s;
// A field of one word, such as name, is also an English word; only at the beginning of a message it is surely
// a field.
const spelledPattern = /\b(?:[a-z]+\.)?[a-z]+(?:_[a-z]+)+\b/g;
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
