import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { validMetadata } from "../../campaign/metadata.ts";
import type { NewCampaign } from "../../campaign/new-campaign.ts";
import {
  invalid,
  MAX_PER_USER_MAX,
  NAME_MAX,
  TOTAL_MAX,
  text,
  type Valid,
  valid,
  validEnd,
  validKey,
  withoutField,
} from "../../campaign/valid.ts";
import { type CodeFormat, DEFAULT_CODE_FORMAT, parseCodeFormat } from "../../codes/code-format.ts";
import type { CreateCampaignRequest } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CreateRehearsalRequest } from "../../proto/gen/coupon/v1/rehearsal_pb.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { IssuePosition } from "../../record/issue-ranges.ts";
import { counted, grouped, limitBroken } from "../../runtime/counting.ts";
import { claimAuthIn, viewClaimAuth } from "../view/claim-auth-view.ts";
import { validRedemptionRules } from "./redemption-rules.ts";
import { validForgetDays } from "./valid-forget-days.ts";
import { validInstant } from "./valid-instant.ts";
import { validSeriesId } from "./valid-series.ts";

const FORMATS_MAX = 20;
const YEARS_AHEAD_MAX = 5;

/** How an instant is written, after "is required: " or "must be ". */
export const INSTANT_RULE = 'RFC 3339 with Z or an offset, for example "2026-12-24T20:00:00+09:00"';

/** A count where 0 means `whenZero`. */
export function validCount(
  field: string,
  value: number,
  least: number,
  most: number,
  whenZero: number,
): Valid<number> {
  if (value === 0) return valid(whenZero);
  const limit = limitBroken(value, least, most);
  if (limit !== undefined)
    return invalid(field, `is ${grouped(value)}: must be ${limit}${zeroWords(whenZero)}`);
  return valid(value);
}

/** The words for what 0 stands for; empty where 0 leaves the choice to the service. */
function zeroWords(whenZero: number): string {
  return whenZero === 0 ? "" : `, or 0 for ${grouped(whenZero)}`;
}

const ACTOR_MAX = 100;

/** The actor of a change, as the caller gives it; empty: not given. */
export function validActor(value: string): Valid<string> {
  return value === "" ? valid(value) : text("actor", value, ACTOR_MAX);
}

/** The name that a change gives, empty: none. */
export function validNewName(value: string): Valid<string | undefined> {
  return value === "" ? valid(undefined) : text("name", value, NAME_MAX);
}

/** How many coupons to add; whether they fit the campaign is judged later. */
export function validAddition(count: number): Valid<number> {
  const limit = limitBroken(count, 1, TOTAL_MAX);
  if (limit !== undefined) return invalid("count", `is ${grouped(count)}: must be ${limit}`);
  return valid(count);
}

/** A start, in the future or in the past. */
export function validStart(startsAt: Timestamp | undefined, nowMs: number): Valid<number> {
  if (startsAt === undefined) {
    return invalid("starts_at", `is required: ${INSTANT_RULE}`);
  }
  const instant = validInstant("starts_at", startsAt);
  if (!instant.ok) return instant;
  const startsAtMs = instant.value;
  const latest = new Date(nowMs);
  latest.setUTCFullYear(latest.getUTCFullYear() + YEARS_AHEAD_MAX);
  if (startsAtMs < 0) return invalid("starts_at", "is before 1970");
  if (startsAtMs > latest.getTime()) {
    return invalid(
      "starts_at",
      `is more than ${YEARS_AHEAD_MAX} years ahead: at the latest ${latest.toISOString()}`,
    );
  }
  return valid(startsAtMs);
}

/** The end that a change gives: an instant in ms; null: the end is removed; undefined: it is unchanged. */
export function validNewEnd(endsAt: Timestamp | undefined, noEnd: boolean): Valid<number | null | undefined> {
  if (endsAt !== undefined && noEnd) return invalid("ends_at", "must be absent where no_end is true");
  if (noEnd) return valid(null);
  if (endsAt === undefined) return valid(undefined);
  return validInstant("ends_at", endsAt);
}

/** Checks everything about a new campaign that can be checked without a store. */
export function validNewCampaign(
  request: Omit<CreateCampaignRequest, "$typeName" | "$unknown">,
  nowMs: number,
): Valid<NewCampaign> {
  const name = text("name", request.name, NAME_MAX);
  if (!name.ok) return name;
  const { total } = request;
  const limit = limitBroken(total, 1, TOTAL_MAX);
  if (limit !== undefined) return invalid("total", `is ${grouped(total)}: must be ${limit}`);
  const start = validStart(request.startsAt, nowMs);
  if (!start.ok) return start;
  const startsAtMs = start.value;
  const given = validNewEnd(request.endsAt, false);
  if (!given.ok) return given;
  const endsAtMs = given.value ?? undefined;
  if (endsAtMs !== undefined) {
    const end = validEnd(endsAtMs, startsAtMs, nowMs);
    if (!end.ok) return end;
  }
  const format = parseCodeFormat(
    request.codeFormat === "" ? DEFAULT_CODE_FORMAT.pattern : request.codeFormat,
  );
  if (!format.ok) return invalid("code_format", withoutField("code_format", format.message));
  if (request.requestId !== "") {
    const requestId = validKey("request_id", request.requestId);
    if (!requestId.ok) return requestId;
  }
  const perUser = validMaxPerUser(request);
  if (!perUser.ok) return perUser;
  const seriesId = validSeriesId(request.seriesId);
  if (!seriesId.ok) return seriesId;
  const actor = validActor(request.actor);
  if (!actor.ok) return actor;
  const metadata = validMetadata("metadata", request.metadata);
  if (!metadata.ok) return metadata;
  const claimAuth = claimAuthIn(request.claimAuth);
  if (claimAuth === null) return invalid("claim_auth", "must be OPEN, KEY, TOKEN, or not given");
  const redemption = validRedemptionRules(request.redemption, startsAtMs, nowMs);
  if (!redemption.ok) return redemption;
  const forgetDays = validForgetDays(request.forgetUsersAfterDays, "never");
  if (!forgetDays.ok) return forgetDays;
  return valid({
    name: name.value,
    total,
    startsAtMs,
    endsAtMs,
    ...perUser.value,
    seriesId: seriesId.value,
    codeFormat: format.format.pattern,
    claimAuth,
    redemption: redemption.value,
    forgetUsersAfterDays: forgetDays.value,
    requestId: request.requestId === "" ? undefined : request.requestId,
    actor: actor.value,
    metadata: metadata.value,
  });
}

/** How many coupons a user may have: 1 is one per user, 0 what `one_per_user` says. */
function validMaxPerUser({
  onePerUser,
  maxPerUser,
}: Pick<CreateCampaignRequest, "onePerUser" | "maxPerUser">): Valid<
  Pick<NewCampaign, "onePerUser" | "maxPerUser">
> {
  const most = validCount("max_per_user", maxPerUser, 1, MAX_PER_USER_MAX, 0);
  if (!most.ok) return most;
  if (maxPerUser > 1 && onePerUser)
    return invalid("max_per_user", `is ${maxPerUser}: must be 1 or not given where one_per_user is true`);
  const isOne = onePerUser || maxPerUser === 1;
  return valid({ onePerUser: isOne, maxPerUser: maxPerUser > 1 ? maxPerUser : undefined });
}

const LIFETIME_MS = { least: 60_000, most: 86_400_000, whenZero: 3_600_000 } as const;
const REHEARSAL_NAME = "rehearsal of ";

/** A shadow of the campaign: its settings, except those that the request gives. */
export function validNewRehearsal(
  request: CreateRehearsalRequest,
  { name, total, startsAt, endsAt, onePerUser, maxPerUser = 0, codeFormat, claimAuth }: CampaignDoc,
  nowMs: number,
): Valid<{ wanted: NewCampaign; lifetimeMs: number }> {
  const { least, most, whenZero } = LIFETIME_MS;
  const lifetime = validCount("lifetime_ms", Number(request.lifetimeMs), least, most, whenZero);
  if (!lifetime.ok) return lifetime;
  const start = validStart(request.startsAt, nowMs);
  if (!start.ok) return start;
  const openForMs = endsAt === undefined ? undefined : endsAt.getTime() - startsAt.getTime();
  const wanted = validNewCampaign(
    {
      name: [...REHEARSAL_NAME, ...name].slice(0, NAME_MAX).join(""),
      total: request.total === 0 ? total : request.total,
      startsAt: timestampFromMs(start.value),
      ...(openForMs === undefined ? {} : { endsAt: timestampFromMs(start.value + openForMs) }),
      ...{ onePerUser, maxPerUser, codeFormat, seriesId: "" },
      claimAuth: viewClaimAuth(claimAuth),
      forgetUsersAfterDays: 0,
      requestId: request.requestId,
      actor: request.actor,
      // A list by metadata, and what is made of it, is of real campaigns.
      metadata: {},
      importId: "",
    },
    nowMs,
  );
  return wanted.ok ? valid({ wanted: wanted.value, lifetimeMs: lifetime.value }) : wanted;
}

/** Patterns of code formats, at most `FORMATS_MAX`, because each costs some arithmetic. */
export function validCodeFormats(patterns: readonly string[]): Valid<CodeFormat[]> {
  if (patterns.length > FORMATS_MAX)
    return invalid("code_formats", `has ${counted(patterns.length, "pattern")}: at most ${FORMATS_MAX}`);
  const formats: CodeFormat[] = [];
  for (const pattern of patterns) {
    const parsed = parseCodeFormat(pattern);
    if (!parsed.ok) return invalid("code_format", withoutField("code_format", parsed.message));
    formats.push(parsed.format);
  }
  return valid(formats);
}

/** A place in the issue order as an opaque token, which `validPageToken` reads; an empty one is the start. */
export function pageToken({ generation, seq }: IssuePosition): string {
  return Buffer.from(`${generation}-${seq}`).toString("base64url");
}

/** The revision below which a page of the history begins; undefined, for an empty token: at the newest. */
export function validRevision(token: string): Valid<number | undefined> {
  if (token === "") return valid(undefined);
  if (!/^\d{1,9}$/.test(token))
    return invalid("page_token", "must be empty or the next_page_token of an earlier answer");
  return valid(Number(token));
}

export function validPageToken(token: string): Valid<IssuePosition | undefined> {
  if (token === "") return valid(undefined);
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match === null)
    return invalid("page_token", "must be empty or the next_page_token of an earlier answer");
  return valid({ generation: Number(match[1]), seq: Number(match[2]) });
}
