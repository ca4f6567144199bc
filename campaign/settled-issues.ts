import type { Frontier } from "../pool/answers.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { IssuePosition } from "../record/issue-ranges.ts";

/**
 * How much of a campaign's issue order is settled: each of its places has a durable issuance now, or never
 * will have one.
 */
export type Settled =
  /** All of it: nothing is issued any more. */
  | { readonly kind: "all" }
  /** Everything below a place. `isAtRest`: no claim is under way, so that is all that was claimed. */
  | { readonly kind: "below"; readonly place: IssuePosition; readonly isAtRest: boolean }
  /** Redis does not answer, or has no pool that can tell, or that pool was loaded just now. */
  | { readonly kind: "unknown" };

/** MongoDB's driver gives an insert up after twice its deadline; and some time for the server's own work. */
const SETTLE_BEYOND_MS = 2_000;

/** How long after a load an insert of an earlier generation may still become durable. */
export function settleMsOf(commitDeadlineMs: number): number {
  return 2 * commitDeadlineMs + SETTLE_BEYOND_MS;
}

/**
 * Judges a campaign and the frontier of its pool, which was read after it. What is settled can be read from
 * MongoDB after that, and not before. undefined: Redis did not answer.
 *
 * The ledger has every claim that may not be durable, with one exception: a load begins with an empty ledger,
 * and inserts of claims from before it may still be under way. So nothing is known to be settled until these
 * have ended. A process that was stopped longer than that, in the middle of an insert, is not waited for.
 */
export function settledOf(
  { state, settling, loadedGeneration = 0 }: CampaignDoc,
  frontier: Frontier | undefined,
  settleMs: number,
): Settled {
  if ((state === "ENDED" || state === "CANCELLED") && settling === undefined) return { kind: "all" };
  if (frontier?.status !== "ok" || frontier.generation < loadedGeneration || isFresh(frontier, settleMs))
    // Recorded as sold out once every code had its issuance; more of them need a pool.
    return { kind: state === "SOLD_OUT" ? "all" : "unknown" };
  const { generation, seq, pending } = frontier;
  const place = pending ?? { generation, seq: seq + 1 };
  return { kind: "below", place, isAtRest: pending === undefined };
}

/** Before the first load of a campaign there were no inserts. */
function isFresh({ base, sinceLoadMs }: Frontier, settleMs: number): boolean {
  // Negative: the clock of Redis was set back, and the time since the load is not known.
  return base > 1 && sinceLoadMs !== undefined && sinceLoadMs >= 0 && sinceLoadMs < settleMs;
}

/** Whether a place of the issue order is settled. */
export function isSettled({ generation, seq }: IssuePosition, settled: Settled): boolean {
  if (settled.kind !== "below") return settled.kind === "all";
  const { place } = settled;
  return generation < place.generation || (generation === place.generation && seq < place.seq);
}

export type SettledDeps = {
  readonly find: (campaignId: string) => Promise<CampaignDoc | null>;
  readonly frontier: (campaignId: string) => Promise<Frontier>;
  readonly settleMs: number;
};

/** Reads how much of a campaign's issue order is settled. Rejects when MongoDB does not answer. */
export type SettledNow = (campaignId: string) => Promise<Settled>;

export function createSettledNow({ find, frontier, settleMs }: SettledDeps): SettledNow {
  return async (campaignId) => {
    const campaign = await find(campaignId);
    // A rehearsal that was removed: nothing is left to read.
    if (campaign === null) return { kind: "all" };
    return settledOf(campaign, await frontier(campaignId).catch(() => undefined), settleMs);
  };
}
