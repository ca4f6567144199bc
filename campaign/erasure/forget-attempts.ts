import type { Asker, Attempts } from "../../record/attempts.ts";
import { type Clock, sleepUnless } from "../../runtime/clock.ts";
import { spellingsOf } from "../user-spellings.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

/** Longer than a server holds an attempt back, and a write of it takes; see claims/attempt-log.ts. */
const WRITTEN_AFTER_MS = 1_500;
const PAGE = 1_000;

/** Removes, and once more after servers have written what they had in memory, if there was any. */
async function removeTwice(remove: () => Promise<boolean>, clock: Clock, signal: AbortSignal): Promise<void> {
  if (!(await remove())) return;
  await sleepUnless(clock, WRITTEN_AFTER_MS, signal);
  signal.throwIfAborted();
  await remove();
}

/**
 * Removes what these users asked, also in campaigns where they got no coupon. `campaignId` undefined: in all
 * campaigns.
 */
export async function forgetAttempts(
  { attempts, clock }: { readonly attempts: Pick<Attempts, "forget">; readonly clock: Clock },
  userIds: readonly string[],
  campaignId: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const users = [...new Set(userIds.flatMap(spellingsOf))];
  await removeTwice(() => attempts.forget(users, campaignId), clock, signal);
}

export type KnownByPseudonym = {
  readonly attempts: Pick<Attempts, "askers" | "remove" | "forgetCampaign">;
  readonly pseudonyms: Pseudonyms;
  readonly clock: Clock;
};

/**
 * The same in one campaign, for an erasure that has no ids but pseudonyms: it reads all of the campaign's
 * attempts. `users` undefined: every user. `turn`: waits until the next page may be read.
 */
export async function forgetAttemptsBehind(
  { attempts, pseudonyms, clock }: KnownByPseudonym,
  campaignId: string,
  users: ReadonlySet<string> | undefined,
  turn: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const isTheirs = ({ who }: Asker) => who.some((id) => users?.has(pseudonyms.of(campaignId, id)));

  async function removeTheirs(): Promise<boolean> {
    let found = false;
    for (let after = ""; ; ) {
      const page = await attempts.askers(campaignId, after, PAGE);
      const theirs = page.filter(isTheirs);
      await attempts.remove(theirs);
      found ||= theirs.length > 0;
      after = page.at(-1)?._id ?? "";
      if (page.length < PAGE) return found;
      await turn();
    }
  }

  const remove = users === undefined ? () => attempts.forgetCampaign(campaignId) : removeTheirs;
  await removeTwice(remove, clock, signal);
}
