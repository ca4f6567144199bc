import type { Refusal } from "../campaign/refusal.ts";
import type { RedemptionDoc, UseDoc, VoidChangeDoc } from "../record/redemption-documents.ts";
import type { Validity } from "./validity.ts";

/** What a caller asks of a code. */
export type Ask = UseAsk | VoidAsk;

type UseAsk =
  | { readonly verb: "reserve"; readonly key: string; readonly by: string; readonly timeoutMs: number }
  | { readonly verb: "redeem"; readonly key: string; readonly by: string }
  | { readonly verb: "confirm"; readonly key: string }
  | { readonly verb: "cancel"; readonly key: string; readonly by: string };

type VoidAsk = {
  readonly verb: "void" | "unvoid";
  readonly actor: string;
  readonly reason: string | undefined;
  readonly cancelReservations: boolean;
};

/** What a decision is made on, read at one instant. */
export type Facts = {
  readonly redemption: RedemptionDoc;
  readonly validity: Validity;
  readonly max: number;
  /** MongoDB's clock. */
  readonly nowMs: number;
};

/** `use`: the redemption that the ask is about; undefined: it is about the code. */
export type Decision =
  /** It is so already: nothing is written. */
  | { readonly kind: "already"; readonly use: UseDoc | undefined }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** To be written in place of what was read, if MongoDB's clock has not reached `beforeMs` by then. */
  | {
      readonly kind: "write";
      readonly next: RedemptionDoc;
      readonly use: UseDoc | undefined;
      readonly beforeMs: number;
    };

/** How many cancelled and expired redemptions are kept: late repetitions of calls find them. */
export const ENDED_MAX = 50;
/** How many changes between void and not void are recorded of a code; more are refused. */
export const VOID_CHANGES_MAX = 100;

/** Judges what is asked of a code. Pure: the clock is among the facts. */
export function judge(ask: Ask, facts: Facts): Decision {
  return "key" in ask ? judgeUse(ask, facts) : judgeVoid(ask, facts);
}

function judgeUse(ask: UseAsk, facts: Facts): Decision {
  const uses = lapsed(facts);
  const use = uses.find(({ key }) => key === ask.key);
  switch (ask.verb) {
    case "reserve":
      if (use !== undefined) return use.state === "reserved" ? already(use) : notAgain(use);
      return reserve(ask, uses, facts);
    case "redeem":
      if (use?.state === "reserved") return end(use, "confirmed", uses, facts);
      return use === undefined ? redeem(ask, uses, facts) : notAgain(use);
    case "confirm":
      if (use === undefined) return refused({ reason: "NO_RESERVATION" });
      return use.state === "reserved" ? end(use, "confirmed", uses, facts) : notAgain(use);
    case "cancel":
      if (use === undefined) return cancelled(ask, uses, facts);
      if (use.state === "confirmed") return refused({ reason: "REDEEMED", by: "this key" });
      return use.state === "reserved" ? end(use, "cancelled", uses, facts) : already(use);
    default:
      return ask satisfies never;
  }
}

/** Why a code cannot be reserved with a new key now; undefined: it can. */
export function obstacleOf(facts: Facts): Refusal | undefined {
  return obstacle(lapsed(facts), facts);
}

/** As they are now: a reservation whose time is over has expired, whether or not that was written yet. */
export function lapsed({ redemption, nowMs }: Pick<Facts, "redemption" | "nowMs">): UseDoc[] {
  return redemption.uses.map((use) =>
    use.state === "reserved" && use.until !== undefined && use.until.getTime() <= nowMs
      ? { ...use, state: "expired", endedAt: use.until }
      : use,
  );
}

function obstacle(uses: readonly UseDoc[], { redemption, validity, max, nowMs }: Facts): Refusal | undefined {
  if (redemption.voided) return { reason: "VOIDED" };
  if (nowMs < validity.fromMs) return { reason: "NOT_VALID_YET", fromMs: validity.fromMs };
  if (nowMs >= validity.untilMs) return { reason: "VALIDITY_OVER", untilMs: validity.untilMs };
  const confirmed = uses.filter(({ state }) => state === "confirmed").length;
  if (confirmed >= max) return { reason: "REDEEMED", by: max === 1 ? "another key" : `${max} keys` };
  const untils = uses.flatMap(({ state, until }) => (state === "reserved" && until ? [until.getTime()] : []));
  if (confirmed + untils.length < max) return undefined;
  return { reason: "RESERVED", retryAfterMs: Math.max(1, Math.min(...untils) - nowMs) };
}

function reserve(
  { key, by, timeoutMs }: UseAsk & { verb: "reserve" },
  uses: readonly UseDoc[],
  facts: Facts,
): Decision {
  const why = obstacle(uses, facts);
  if (why !== undefined) return refused(why);
  const { nowMs, validity } = facts;
  // Never beyond the validity: a live reservation can always be confirmed.
  const untilMs = Math.min(nowMs + timeoutMs, validity.untilMs);
  const use: UseDoc = {
    ...{ key, state: "reserved", by },
    ...{ reservedAt: new Date(nowMs), until: new Date(untilMs) },
  };
  return write([...uses, use], use, facts, untilMs);
}

function redeem({ key, by }: UseAsk & { verb: "redeem" }, uses: readonly UseDoc[], facts: Facts): Decision {
  const why = obstacle(uses, facts);
  if (why !== undefined) return refused(why);
  const use: UseDoc = { key, state: "confirmed", by, endedAt: new Date(facts.nowMs) };
  return write([...uses, use], use, facts, facts.validity.untilMs);
}

/** A reservation that arrives after its cancellation finds this, and reserves nothing. */
function cancelled(
  { key, by }: UseAsk & { verb: "cancel" },
  uses: readonly UseDoc[],
  facts: Facts,
): Decision {
  const use: UseDoc = { key, state: "cancelled", by, endedAt: new Date(facts.nowMs) };
  return write([...uses, use], use, facts, Number.POSITIVE_INFINITY);
}

function end(old: UseDoc, state: "confirmed" | "cancelled", uses: readonly UseDoc[], facts: Facts): Decision {
  const use: UseDoc = { ...old, state, endedAt: new Date(facts.nowMs) };
  const beforeMs =
    state === "confirmed" && old.until !== undefined ? old.until.getTime() : Number.POSITIVE_INFINITY;
  return write(
    uses.map((one) => (one === old ? use : one)),
    use,
    facts,
    beforeMs,
  );
}

function judgeVoid({ verb, actor, reason, cancelReservations }: VoidAsk, facts: Facts): Decision {
  const { redemption, nowMs } = facts;
  const voided = verb === "void";
  const uses = lapsed(facts);
  const cancels = voided && cancelReservations && uses.some(({ state }) => state === "reserved");
  if (redemption.voided === voided && !cancels) return already(undefined);
  if (redemption.voidChanges.length >= VOID_CHANGES_MAX) {
    const allowed = `was made void or valid ${VOID_CHANGES_MAX} times: no more changes of that are recorded`;
    return refused({ reason: "INVALID", field: "code", allowed });
  }
  const at = new Date(nowMs);
  const change: VoidChangeDoc = { at, actor, voided, ...(reason === undefined ? {} : { reason }) };
  const kept = uses.map((use) =>
    cancels && use.state === "reserved" ? { ...use, state: "cancelled" as const, endedAt: at } : use,
  );
  const decided = write(kept, undefined, facts, Number.POSITIVE_INFINITY);
  return { ...decided, next: { ...decided.next, voided, voidChanges: [...redemption.voidChanges, change] } };
}

function write(
  uses: readonly UseDoc[],
  use: UseDoc | undefined,
  { redemption }: Facts,
  beforeMs: number,
): Decision & { kind: "write" } {
  const next = { ...redemption, revision: redemption.revision + 1, uses: pruned(uses) };
  return { kind: "write", next, use, beforeMs };
}

/** Without the cancelled and expired ones that ended longest ago, beyond the number that is kept. */
function pruned(uses: readonly UseDoc[]): UseDoc[] {
  const ended = uses.filter(({ state }) => state === "cancelled" || state === "expired");
  if (ended.length <= ENDED_MAX) return [...uses];
  const byEnd = ended.sort((a, b) => (a.endedAt?.getTime() ?? 0) - (b.endedAt?.getTime() ?? 0));
  const dropped = new Set(byEnd.slice(0, ended.length - ENDED_MAX));
  return uses.filter((use) => !dropped.has(use));
}

/** The answer to a key whose redemption is confirmed, or over. */
function notAgain(use: UseDoc): Decision {
  return use.state === "confirmed"
    ? already(use)
    : refused({ reason: "RESERVATION_OVER", how: use.state === "expired" ? "timed out" : "was cancelled" });
}

const already = (use: UseDoc | undefined): Decision => ({ kind: "already", use });
const refused = (refusal: Refusal): Decision => ({ kind: "refused", refusal });
