import type { CampaignDoc } from "../record/documents.ts";
import type { CampaignFields } from "../record/steps.ts";
import { counted, grouped, isOrAre } from "../runtime/counting.ts";
import { allowedIn, commandOf, LIFE_CYCLE, type Phase, recordedAs, type Verb } from "./life-cycle.ts";
import { changedMetadata, type MetadataChange } from "./metadata.ts";
import type { Refusal } from "./refusal.ts";
import { TOTAL_MAX, validEnd, validSpace } from "./valid.ts";

/** The change that an operator asks for. `endsAtMs`: an instant in ms; null: no end; undefined: as it was. Of
 * `forgetUsersAfterDays` likewise: null: never. */
export type Change =
  | { readonly verb: "pause" | "resume" | "end" | "cancel" }
  | {
      readonly verb: "reschedule";
      readonly startsAtMs: number;
      readonly endsAtMs: number | null | undefined;
    }
  | {
      readonly verb: "edit";
      readonly name: string | undefined;
      readonly endsAtMs: number | null | undefined;
      readonly metadata?: MetadataChange | undefined;
      readonly forgetUsersAfterDays?: number | null | undefined;
    }
  | { readonly verb: "add"; readonly count: number };

/** The campaign as it is: its document, its phase (from the document and the pool) and the clocks. */
export type Judged = {
  readonly campaign: CampaignDoc;
  readonly phase: Phase;
  /** The server's clock. */
  readonly nowMs: number;
  /** Later than every claim of the pool, on the clock of Redis. */
  readonly afterLastClaimMs: number;
  /** For an addition: how many codes exist already in formats that overlap this campaign's. */
  readonly codesInSpace: number;
};

export type Judgement =
  | { readonly kind: "already" }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "change"; readonly fields: CampaignFields; readonly notices: readonly string[] };

/** A pure function, by the table of campaign/life-cycle.ts. MongoDB records the fields that it returns. */
export function judgeChange(change: Change, judged: Judged): Judgement {
  switch (change.verb) {
    case "pause":
    case "resume":
    case "end":
    case "cancel":
      return judgeState(change.verb, judged);
    case "reschedule":
      return judgeSchedule(change, judged);
    case "edit":
      return judgeEdit(change, judged);
    case "add":
      return judgeAddition(change.count, judged);
    default:
      return change satisfies never;
  }
}

const ALREADY: Judgement = { kind: "already" };

function refused(refusal: Refusal): Judgement {
  return { kind: "refused", refusal };
}

/** The end has passed: a campaign that has opened is over, one that has not can still get another end. */
function endHasPassed(verb: Verb, phase: Phase, endsAt: Date): Judgement {
  if (phase !== "GENERATING" && phase !== "PAUSED_BEFORE_OPENING") return notAllowed(verb, "ENDED");
  const allowed = allowedIn(phase).filter((command) => command !== commandOf(verb));
  const why = `its end has passed (${endsAt.toISOString()}): move the end first`;
  return refused({ reason: "NOT_ALLOWED", verb: commandOf(verb), phase, allowed, why });
}

function notAllowed(verb: Verb, phase: Phase): Judgement {
  return refused({ reason: "NOT_ALLOWED", verb: commandOf(verb), phase, allowed: allowedIn(phase) });
}

function changed(fields: CampaignFields, ...notices: string[]): Judgement {
  return { kind: "change", fields, notices };
}

function judgeState(verb: "pause" | "resume" | "end" | "cancel", judged: Judged): Judgement {
  const { campaign, phase, nowMs } = judged;
  const step = LIFE_CYCLE[phase][verb];
  if (step === "already") return ALREADY;
  if (step === "refused") return notAllowed(verb, phase);
  const state = recordedAs(step);
  if (verb === "pause") return changed({ state });
  if (verb === "resume") return changed({ state }, ...whatIsDue(campaign, step, nowMs));
  const { adding } = campaign;
  const dropped =
    adding === undefined
      ? []
      : [
          `the ${counted(adding.count, "coupon")} that ${adding.count === 1 ? "was" : "were"} being added ${isOrAre(adding.count)} dropped: never counted`,
        ];
  const fields = {
    state,
    ...(adding === undefined ? {} : { adding: undefined, dropped: adding.count }),
    // A campaign without a pool has no claims under way that would have to settle.
    ...(phase === "GENERATING" ? {} : { settling: true as const }),
  };
  if (verb === "cancel") return changed(fields, ...dropped);
  return changed({ ...fields, endsAt: new Date(judged.afterLastClaimMs) }, ...dropped);
}

/** Notices of what happens directly after a change, because its instant has passed. */
function whatIsDue(
  { startsAt, endsAt }: Pick<CampaignDoc, "startsAt" | "endsAt">,
  phase: Phase,
  nowMs: number,
): string[] {
  const notices: string[] = [];
  if (startsAt.getTime() <= nowMs) {
    const passed = `starts_at has passed (${startsAt.toISOString()})`;
    if (phase === "SCHEDULED") notices.push(`${passed}: the campaign opens at once`);
    if (phase === "PAUSED_BEFORE_OPENING") notices.push(`${passed}: the campaign opens when it is resumed`);
    if (phase === "GENERATING") notices.push(`${passed}: the campaign opens as soon as its codes are loaded`);
  }
  if (endsAt !== undefined && endsAt.getTime() <= nowMs)
    notices.push(`ends_at has passed (${endsAt.toISOString()}): the campaign ends at once`);
  return notices;
}

/** The end after the change, whether it differs from the present one, and the field to write. */
function newEnd(campaign: CampaignDoc, endsAtMs: number | null | undefined) {
  const standing = campaign.endsAt?.getTime();
  const wanted = endsAtMs === undefined ? standing : (endsAtMs ?? undefined);
  const differs = wanted !== standing;
  const fields = differs ? { endsAt: wanted === undefined ? undefined : new Date(wanted) } : {};
  return { wanted, differs, fields };
}

function judgeSchedule(
  { startsAtMs, endsAtMs }: Extract<Change, { verb: "reschedule" }>,
  { campaign, phase, nowMs }: Judged,
): Judgement {
  const end = newEnd(campaign, endsAtMs);
  if (startsAtMs === campaign.startsAt.getTime() && !end.differs) return ALREADY;
  if (LIFE_CYCLE[phase].reschedule === "refused") return notAllowed("reschedule", phase);
  if (end.wanted !== undefined) {
    const valid = validEnd(end.wanted, startsAtMs, nowMs);
    if (!valid.ok) return refused(valid.refusal);
  }
  const startsAt = new Date(startsAtMs);
  return changed({ startsAt, ...end.fields }, ...whatIsDue({ startsAt }, phase, nowMs));
}

/** The days after the change, and a notice where they may have passed already. */
function newForgetDays(
  { forgetUsersAfterDays: standing, forgotUsersOf, total }: CampaignDoc,
  days: number | null | undefined,
  phase: Phase,
) {
  const wanted = days === undefined ? standing : (days ?? undefined);
  if (wanted === standing) return { differs: false, fields: {}, notices: [] };
  const isOver = phase === "SOLD_OUT" || phase === "ENDED" || phase === "CANCELLED";
  const notices =
    wanted === undefined || !isOver
      ? []
      : forgotUsersOf === total
        ? ["the users of the campaign have been erased already"]
        : [
            `the campaign is over: its users are erased ${counted(wanted, "day")} after it became so, within a minute if these have passed`,
          ];
  return { differs: true, fields: { forgetUsersAfterDays: wanted }, notices };
}

function judgeEdit(change: Extract<Change, { verb: "edit" }>, { campaign, phase, nowMs }: Judged): Judgement {
  const { name, endsAtMs, metadata = { set: [], remove: [] }, forgetUsersAfterDays } = change;
  const forget = newForgetDays(campaign, forgetUsersAfterDays, phase);
  const end = newEnd(campaign, endsAtMs);
  const renames = name !== undefined && name !== campaign.name;
  const noted = changedMetadata(campaign.metadata ?? [], metadata);
  if (!noted.ok) return refused(noted.refusal);
  const notes = noted.value.differs
    ? { metadata: noted.value.metadata.length === 0 ? undefined : noted.value.metadata }
    : {};
  if (!renames && !end.differs && !noted.value.differs && !forget.differs) return ALREADY;
  if (end.differs && LIFE_CYCLE[phase]["edit-end"] === "refused") return notAllowed("edit-end", phase);
  if (renames && LIFE_CYCLE[phase]["edit-name"] === "refused") return notAllowed("edit-name", phase);
  if (end.differs && end.wanted !== undefined) {
    const valid = validEnd(end.wanted, campaign.startsAt.getTime(), nowMs);
    if (!valid.ok) return refused(valid.refusal);
  }
  const fields = { ...(renames ? { name } : {}), ...notes, ...end.fields, ...forget.fields };
  return changed(fields, ...forget.notices);
}

function judgeAddition(count: number, { campaign, phase, nowMs, codesInSpace }: Judged): Judgement {
  if (LIFE_CYCLE[phase].add === "refused") return notAllowed("add", phase);
  if (campaign.endsAt !== undefined && campaign.endsAt.getTime() <= nowMs)
    return endHasPassed("add", phase, campaign.endsAt);
  if (campaign.adding !== undefined) return refused({ reason: "NOT_READY", adding: campaign.adding.count });
  if (campaign.imported !== undefined) {
    const allowed = "cannot be added: the codes of the campaign were imported, and none can be made for it";
    return refused({ reason: "INVALID", field: "count", allowed });
  }
  const most = TOTAL_MAX - campaign.total;
  if (count > most) {
    const allowed = `is ${grouped(count)}: the campaign has ${counted(campaign.total, "coupon")}, at most ${grouped(most)} more ${most === 1 ? "fits" : "fit"}`;
    return refused({ reason: "INVALID", field: "count", allowed });
  }
  const space = validSpace(campaign.codeFormat, count, codesInSpace, "count");
  if (!space.ok) return refused(space.refusal);
  const reopens =
    phase === "SOLD_OUT" ? ["the campaign opens again as soon as the added coupons are in the pool"] : [];
  return changed({ adding: { count } }, ...reopens);
}
