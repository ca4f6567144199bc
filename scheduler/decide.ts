import type { Inspection } from "../pool/pool.ts";
import type { CampaignDoc } from "../record/campaigns.ts";

/** What a scheduler does about one campaign. Each is idempotent and guarded in the store it touches. */
export type Action =
  /** Set an absolute timer: the start or the end comes soon. */
  | { readonly kind: "aim"; readonly at: "start" | "end"; readonly atMs: number }
  /** Ask the script to open or end the pool: the instant has come on our clock. */
  | { readonly kind: "advance" }
  /** The pool is missing or was loaded elsewhere: make it again from MongoDB. */
  | { readonly kind: "repair"; readonly why: "none" | "fenced" }
  /** Codes have vanished from the pool, or it is an old one that came back: give it up, then make it again from MongoDB. */
  | { readonly kind: "give-up"; readonly generation: number; readonly why: Readonly<Record<string, number>> }
  /** The pool has opened; write it down. */
  | { readonly kind: "record-open"; readonly openedAtMs: number }
  /** Nothing is left and nothing is under way: count, and if all is durable write it down. */
  | { readonly kind: "record-sold-out"; readonly generation: number }
  /** The pool has ended and nothing is under way; write it down. */
  | { readonly kind: "record-ended" };

/** How far ahead an absolute timer is set. Longer than any pause of the tick that is likely. */
export const LOOK_AHEAD_MS = 90_000;

/** Decides purely: the same clock, campaign and pool always give the same actions, in the order to take them. */
export function decide(nowMs: number, campaign: CampaignDoc, pool: Inspection): Action[] {
  if (pool.status !== "ok") return [{ kind: "repair", why: pool.status }];
  // Codes and claims never sum to less than the total: see claim.lua.
  const missing = campaign.total - pool.stagedCodes - pool.openCodes - pool.claims;
  if (missing > 0) return [{ kind: "give-up", generation: pool.generation, why: { missing } }];
  const { loadedGeneration = 0 } = campaign;
  if (pool.generation < loadedGeneration)
    return [{ kind: "give-up", generation: pool.generation, why: { loadedGeneration } }];
  const actions: Action[] = [];
  if (pool.state === "staged") return [...towards("start", campaign.startsAt.getTime(), nowMs)];
  // What was cancelled or paused before its start has not opened.
  if (campaign.state === "SCHEDULED" && pool.armedAtMs > 0) {
    actions.push({ kind: "record-open", openedAtMs: pool.armedAtMs });
  }
  const atRest = pool.ledger === 0;
  if (pool.state === "open") {
    if (pool.openCodes === 0 && atRest)
      actions.push({ kind: "record-sold-out", generation: pool.generation });
    if (campaign.endsAt !== undefined) actions.push(...towards("end", campaign.endsAt.getTime(), nowMs));
  } else if (pool.state === "ended" && atRest) {
    actions.push({ kind: "record-ended" });
  }
  return actions;
}

function* towards(at: "start" | "end", atMs: number, nowMs: number): Generator<Action> {
  if (nowMs >= atMs) yield { kind: "advance" };
  else if (atMs - nowMs <= LOOK_AHEAD_MS) yield { kind: "aim", at, atMs };
}
