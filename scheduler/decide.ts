import { poolStateOf } from "../campaign/load.ts";
import type { Inspection, Standstill } from "../pool/answers.ts";
import type { CampaignDoc } from "../record/documents.ts";

/** What a scheduler does about one campaign. Each is idempotent and guarded in the store it touches. */
export type Action =
  /** Set an absolute timer: the start or the end comes soon. */
  | { readonly kind: "aim"; readonly at: "start" | "end"; readonly atMs: number }
  /** Ask the script to open or end the pool: the instant has come on our clock. */
  | { readonly kind: "advance" }
  /**
   * The pool is missing, was loaded elsewhere, or is held by a change that may have died: make it what the
   * record says.
   */
  | { readonly kind: "repair"; readonly why: Standstill }
  /** The record has coupons that the pool has not been given yet. */
  | { readonly kind: "top-up"; readonly missing: number }
  /**
   * Codes have vanished from the pool, or it is an old one that came back: give it up, then make it again
   * from MongoDB.
   */
  | { readonly kind: "give-up"; readonly generation: number; readonly why: Readonly<Record<string, number>> }
  /** The pool is not what the record says: the same, unless the record has changed since it was read. */
  | { readonly kind: "contradiction"; readonly generation: number }
  /** The pool has opened; write it down. */
  | { readonly kind: "record-open"; readonly openedAtMs: number }
  /** Nothing is left and nothing is under way: count, and if all is durable write it down. */
  | { readonly kind: "record-sold-out"; readonly generation: number }
  /** The pool has ended and nothing is under way; write it down. */
  | { readonly kind: "record-ended" }
  /** The pool has followed an operator's end or cancellation and nothing is under way. */
  | { readonly kind: "record-settled" };

/** How far ahead an absolute timer is set. Longer than any pause of the tick that is likely. */
export const LOOK_AHEAD_MS = 90_000;

/**
 * Decides purely: the same clock, campaign and pool always give the same actions, in the order to take them.
 */
export function decide(nowMs: number, campaign: CampaignDoc, pool: Inspection): Action[] {
  if (pool.status !== "ok") return [{ kind: "repair", why: pool.status }];
  // Codes and claims never sum to less than what the pool was given: see claim.lua.
  const missing = pool.total - codesIn(pool) - pool.claims;
  if (missing > 0) return [{ kind: "give-up", generation: pool.generation, why: { missing } }];
  const { loadedGeneration = 0 } = campaign;
  if (pool.generation < loadedGeneration)
    return [{ kind: "give-up", generation: pool.generation, why: { loadedGeneration } }];
  if (contradicts(campaign, pool)) return [{ kind: "contradiction", generation: pool.generation }];
  const atRest = pool.ledger === 0;
  const added = campaign.total - pool.total;
  const actions: Action[] = [];
  if (added > 0) actions.push({ kind: "top-up", missing: added });
  // An operator has ended or cancelled it.
  if (campaign.settling && pool.state === poolStateOf(campaign.state, pool.armedAtMs > 0))
    return added > 0 ? actions : atRest ? [{ kind: "record-settled" }] : [];
  if (pool.state === "staged") return [...actions, ...towards("start", campaign.startsAt.getTime(), nowMs)];
  // What was cancelled or paused before its start has not opened.
  if (campaign.state === "SCHEDULED" && pool.armedAtMs > 0) {
    actions.push({ kind: "record-open", openedAtMs: pool.armedAtMs });
  }
  if (pool.state === "open") {
    // Fewer than the pool was given: the campaign was read before coupons were added.
    if (pool.openCodes === 0 && atRest && added === 0 && campaign.state !== "SOLD_OUT")
      actions.push({ kind: "record-sold-out", generation: pool.generation });
    if (campaign.endsAt !== undefined) actions.push(...towards("end", campaign.endsAt.getTime(), nowMs));
  } else if (pool.state === "paused" && pool.armedAtMs > 0 && campaign.endsAt !== undefined) {
    actions.push(...towards("end", campaign.endsAt.getTime(), nowMs));
  } else if (pool.state === "ended" && atRest && added <= 0) {
    actions.push({ kind: "record-ended" });
  }
  return actions;
}

/**
 * An operator's decision that the pool does not show, or shows although it was taken back: a state, a start,
 * an end. A pool of a later generation than the campaign had when it was read says that the reading is out of
 * date.
 */
function contradicts(campaign: CampaignDoc, pool: Inspection): boolean {
  if (pool.generation > campaign.generation || pool.state === "ended") return false;
  if (pool.armedAtMs === 0 && pool.startsAtMs !== campaign.startsAt.getTime()) return true;
  if (pool.endsAtMs !== (campaign.endsAt?.getTime() ?? 0)) return true;
  const wanted = poolStateOf(campaign.state, pool.armedAtMs > 0);
  const decided = [wanted, pool.state].some((state) => ["paused", "cancelled", "ended"].includes(state));
  return decided && wanted !== pool.state;
}

/** Codes that nobody has yet, wherever they are. */
export function codesIn(pool: Inspection): number {
  return pool.stagedCodes + pool.openCodes + pool.awayCodes;
}

function* towards(at: "start" | "end", atMs: number, nowMs: number): Generator<Action> {
  if (nowMs >= atMs) yield { kind: "advance" };
  else if (atMs - nowMs <= LOOK_AHEAD_MS) yield { kind: "aim", at, atMs };
}
