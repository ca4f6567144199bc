import type { Attempts } from "../../record/attempts.ts";
import { type Clock, sleepUnless } from "../../runtime/clock.ts";
import { spellingsOf } from "../user-spellings.ts";

/** Longer than a server holds an attempt back, and a write of it takes; see claims/attempt-log.ts. */
const WRITTEN_AFTER_MS = 1_500;

/**
 * Removes what these users asked, also in campaigns where they got no coupon; once more after servers have
 * written what they had in memory. `campaignId` undefined: in all campaigns.
 */
export async function forgetAttempts(
  { attempts, clock }: { readonly attempts: Pick<Attempts, "forget">; readonly clock: Clock },
  userIds: readonly string[],
  campaignId: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const users = [...new Set(userIds.flatMap(spellingsOf))];
  if (!(await attempts.forget(users, campaignId))) return;
  await sleepUnless(clock, WRITTEN_AFTER_MS, signal);
  await attempts.forget(users, campaignId);
}
