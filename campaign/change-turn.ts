import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import { type Clock, sleep } from "../runtime/clock.ts";

export type TurnDeps = {
  readonly campaigns: Pick<Campaigns, "takeLease" | "dropLease" | "askForLease" | "withdrawAsking">;
  readonly clock: Clock;
  readonly leaseMs: number;
};

/** The change that asks for its turn; aborted: its caller has gone or its deadline has passed. */
export type TurnAsk = { readonly campaignId: string; readonly signal: AbortSignal };

/** Between two tries to get the lease, in ms. */
export const POLL_MS = 25;
/**
 * For how long a waiting change keeps fills and loads from taking the lease, in ms; renewed while the change
 * waits.
 */
const TICKET_MS = 1_000;
const TICKET_AGAIN_MS = 300;

/** Whether it is too late to begin: the caller may have had an error and have asked another server. */
export function isLate({ clock }: Pick<TurnDeps, "clock">, { signal }: TurnAsk, untilMs: number): boolean {
  return signal.aborted || clock.elapsed() >= untilMs;
}

/**
 * Takes the lease under an owner id of its own, so that it excludes fills and loads of this process too.
 * Undefined: the lease was not free in time. `raise`: the same step raises the generation. `untilMs`: on the
 * clock's `elapsed`.
 */
export async function takeTurn(
  deps: TurnDeps,
  ask: TurnAsk,
  owner: string,
  { raise, untilMs }: { readonly raise: boolean; readonly untilMs: number },
): Promise<CampaignDoc | undefined> {
  const { campaigns, clock, leaseMs } = deps;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const leased = await campaigns.takeLease(ask.campaignId, owner, leaseMs, raise);
    const late = isLate(deps, ask, untilMs);
    if (leased !== null && !late) return leased;
    if (leased !== null) await campaigns.dropLease(ask.campaignId, owner);
    if (late) break;
    if (clock.elapsed() - askedAtMs >= TICKET_AGAIN_MS) {
      askedAtMs = clock.elapsed();
      await campaigns.askForLease(ask.campaignId, owner, TICKET_MS);
    }
    await sleep(clock, POLL_MS);
  }
  await campaigns.withdrawAsking(ask.campaignId, owner);
  return undefined;
}
