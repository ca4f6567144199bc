import { codesIn } from "../campaign/campaign-reading.ts";
import { poolStateOf } from "../campaign/load.ts";
import type { Inspection, Standstill } from "../pool/answers.ts";
import type { CampaignDoc } from "../record/documents.ts";

/** An action of a scheduler for one campaign. Each is idempotent and guarded in the store that it changes. */
export type Action =
  /** Set a timer for an instant: the start or the end comes soon. */
  | { readonly kind: "aim"; readonly at: "start" | "end"; readonly atMs: number }
  /** Call advance.lua to open or end the pool: the instant has come on the clock of this process. */
  | { readonly kind: "advance" }
  /**
   * The pool is missing, was loaded into another Redis, or is held by a change whose process may have
   * crashed: load it, or set it to the state in MongoDB.
   */
  | { readonly kind: "repair"; readonly why: Standstill }
  /** The campaign has coupons that are not in the pool yet. */
  | { readonly kind: "top-up"; readonly missing: number }
  /**
   * Codes are missing from the pool, or it comes from an old Redis that has returned: give it up, then
   * rebuild it from MongoDB.
   */
  | { readonly kind: "give-up"; readonly generation: number; readonly why: Readonly<Record<string, number>> }
  /** The pool contradicts the campaign: the same, unless the campaign has changed since it was read. */
  | { readonly kind: "contradiction"; readonly generation: number }
  /** The pool has opened: record it. */
  | { readonly kind: "record-open"; readonly openedAtMs: number }
  /** No code is left and no claim is under way: count the issuances, and record it if all are durable. */
  | { readonly kind: "record-sold-out"; readonly generation: number }
  /** The pool has ended and no claim is under way: record it. */
  | { readonly kind: "record-ended" }
  /** The pool has followed an operator's end or cancellation and no claim is under way: record it. */
  | { readonly kind: "record-at-rest" };

/** How far ahead a timer for an instant is set: longer than the tick is likely to pause. */
export const LOOK_AHEAD_MS = 90_000;

/**
 * A pure function: the same clock, campaign and pool always give the same actions, in the order to take them.
 */
export function decide(nowMs: number, campaign: CampaignDoc, pool: Inspection): Action[] {
  if (pool.status !== "ok") return [{ kind: "repair", why: pool.status }];
  // Codes and claims together are never fewer than the pool has had: see claim.lua.
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
    return added > 0 ? actions : atRest ? [{ kind: "record-at-rest" }] : [];
  if (pool.state === "staged") return [...actions, ...towards("start", campaign.startsAt.getTime(), nowMs)];
  // A campaign that was cancelled or paused before its start has not opened.
  if (campaign.state === "SCHEDULED" && pool.armedAtMs > 0) {
    actions.push({ kind: "record-open", openedAtMs: pool.armedAtMs });
  }
  if (pool.state === "open") {
    // If added < 0, the campaign was read before coupons were added.
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
 * Whether the pool differs from an operator's decision: a state, a start, an end. If the pool has a later
 * generation than the campaign that was read, that reading is out of date.
 */
function contradicts(campaign: CampaignDoc, pool: Inspection): boolean {
  if (pool.generation > campaign.generation || pool.state === "ended") return false;
  if (pool.armedAtMs === 0 && pool.startsAtMs !== campaign.startsAt.getTime()) return true;
  if (pool.endsAtMs !== (campaign.endsAt?.getTime() ?? 0)) return true;
  const wanted = poolStateOf(campaign.state, pool.armedAtMs > 0);
  const decided = [wanted, pool.state].some((state) => ["paused", "cancelled", "ended"].includes(state));
  return decided && wanted !== pool.state;
}

function* towards(at: "start" | "end", atMs: number, nowMs: number): Generator<Action> {
  if (nowMs >= atMs) yield { kind: "advance" };
  else if (atMs - nowMs <= LOOK_AHEAD_MS) yield { kind: "aim", at, atMs };
}
