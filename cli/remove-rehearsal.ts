import { setTimeout as delay } from "node:timers/promises";
import { call } from "./call.ts";
import { pagesOf } from "./pages.ts";
import type { Session } from "./session.ts";

const mostAtOnceMs = 5_000;
/** A million codes take some minutes: claims come first. */
const patienceMs = 600_000;

/**
 * Has a rehearsal removed and waits until nothing is left of it. Goes on although the operator has pressed
 * Ctrl-C: that is when it is needed.
 */
export async function removeRehearsal(session: Session, campaignId: string): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const patient: Session = { ...session, signal };
  for (;;) {
    const { removed, retryAfterMs } = await call(patient, (options) =>
      session.campaigns.removeRehearsal({ campaignId }, options),
    );
    if (removed) return;
    await delay(Math.min(mostAtOnceMs, Number(retryAfterMs)), undefined, { signal });
  }
}

/** The rehearsals that are there: of one campaign, or of all. */
export async function standingRehearsals(session: Session, of: string | undefined): Promise<string[]> {
  const found: string[] = [];
  const pages = pagesOf(session, (pageToken, options) => {
    const request = { pageToken, pageSize: 100, includeRehearsals: true };
    return session.campaigns.listCampaigns(request, options);
  });
  for await (const { campaigns } of pages) {
    const rehearsals = campaigns.filter(({ rehearsalOf }) => rehearsalOf !== "");
    found.push(
      ...rehearsals.filter(({ rehearsalOf }) => (of ?? rehearsalOf) === rehearsalOf).map(({ id }) => id),
    );
    // They come before all others.
    if (rehearsals.length < campaigns.length) break;
  }
  return found;
}
