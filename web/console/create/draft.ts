import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { Words } from "../i18n/words.ts";
import { endProblem, readInstant, startProblem } from "../time/instant-rules.ts";
import { instantMeant, NOTHING_TYPED, readWallTime, type TypedInstant } from "../time/wall-time.ts";
import { metadataOf, metadataProblem } from "./metadata-lines.ts";
import {
  ACTOR_MAX,
  countProblem,
  formatProblem,
  MAX_PER_USER_MAX,
  NAME_MAX,
  TOTAL_MAX,
  textProblem,
  wholeNumberOf,
} from "./text-rules.ts";

/** A campaign as it is typed. */
export type Draft = {
  readonly name: string;
  readonly total: string;
  /** The zone in which start and end are typed. */
  readonly zone: string;
  readonly start: TypedInstant;
  readonly hasEnd: boolean;
  readonly end: TypedInstant;
  /** Whether coupons are counted per user, and how many each gets. */
  readonly isPerUser: boolean;
  readonly maxPerUser: string;
  readonly codeFormat: string;
  readonly claimAuth: ClaimAuth;
  /** `key=value`, one a line. */
  readonly metadata: string;
  readonly actor: string;
};

/** A field of the form, by its name in the contract. */
export type DraftField =
  | ("name" | "total" | "starts_at" | "ends_at")
  | ("max_per_user" | "code_format" | "claim_auth" | "metadata" | "actor");
export type DraftProblems = Readonly<Partial<Record<DraftField, string>>>;

/** The request that the draft means; the request_id is added to it. */
export type NewCampaign = ReturnType<typeof requestOf>;

export function emptyDraft(zone: string, actor: string): Draft {
  return {
    ...{
      name: "",
      total: "",
      zone,
      start: NOTHING_TYPED,
      hasEnd: false,
      end: NOTHING_TYPED,
      isPerUser: true,
      maxPerUser: "1",
    },
    ...{ codeFormat: "", claimAuth: ClaimAuth.UNSPECIFIED, metadata: "", actor },
  };
}

/** Judges the draft by the service's rules, before the service is asked. */
export function judgeDraft(
  draft: Draft,
  nowMs: number,
  words: Words,
): { readonly problems: DraftProblems; readonly wanted: NewCampaign | undefined } {
  const start = readInstant(draft.start, draft.zone, words);
  const end = draft.hasEnd ? readInstant(draft.end, draft.zone, words) : undefined;
  const startsAtMs = start.ok ? start.epochMs : undefined;
  const endsAtMs = end?.ok ? end.epochMs : undefined;
  const found: Readonly<Record<DraftField, string | undefined>> = {
    name: textProblem(draft.name, NAME_MAX, words),
    total: countProblem(draft.total, TOTAL_MAX, words),
    starts_at: start.ok ? startProblem(start.epochMs, nowMs, words) : start.problem,
    ends_at:
      end === undefined
        ? undefined
        : end.ok
          ? endProblem(end.epochMs, startsAtMs ?? Number.NEGATIVE_INFINITY, nowMs, words)
          : end.problem,
    max_per_user: draft.isPerUser ? countProblem(draft.maxPerUser, MAX_PER_USER_MAX, words) : undefined,
    code_format: formatProblem(draft.codeFormat, words),
    claim_auth: undefined,
    metadata: metadataProblem(draft.metadata, words),
    actor: draft.actor === "" ? undefined : textProblem(draft.actor, ACTOR_MAX, words),
  };
  const problems: DraftProblems = Object.fromEntries(
    Object.entries(found).filter(([, problem]) => problem !== undefined),
  );
  const isRight = Object.keys(problems).length === 0 && startsAtMs !== undefined;
  return { problems, wanted: isRight ? requestOf(draft, startsAtMs, endsAtMs) : undefined };
}

/** True: it would open as soon as its codes are made, which is rarely meant. No problem for the service. */
export function hasStartPassed({ start, zone }: Pick<Draft, "start" | "zone">, nowMs: number): boolean {
  const startsAtMs = instantMeant(readWallTime(start.text, zone), start.fold);
  return startsAtMs !== undefined && startsAtMs >= 0 && startsAtMs <= nowMs;
}

function requestOf(draft: Draft, startsAtMs: number, endsAtMs: number | undefined) {
  const { name, claimAuth, actor } = draft;
  const maxPerUser = draft.isPerUser ? (wholeNumberOf(draft.maxPerUser) ?? 1) : 0;
  return {
    ...{ name, claimAuth, actor },
    ...{ onePerUser: maxPerUser === 1, maxPerUser: maxPerUser > 1 ? maxPerUser : 0 },
    total: wholeNumberOf(draft.total) ?? 0,
    startsAt: timestampFromMs(startsAtMs),
    codeFormat: draft.codeFormat.normalize("NFC"),
    metadata: metadataOf(draft.metadata),
    ...(endsAtMs === undefined ? {} : { endsAt: timestampFromMs(endsAtMs) }),
  };
}
