import { setTimeout as delay } from "node:timers/promises";
import { call } from "./call.ts";
import { pagesOf } from "./pages.ts";
import type { Session } from "./session.ts";

const mostAtOnceMs = 5_000;
/** To remove a million codes takes some minutes, because claims come first. */
const patienceMs = 600_000;

/**
 * Asks the service to remove a rehearsal, until nothing is left of it. Ctrl-C does not interrupt this: an
 * interrupted rehearsal must be removed, too.
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

/** The ids of the rehearsals that exist: of one campaign, or of all. */
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
    // The listing has rehearsals before all other campaigns.
    if (rehearsals.length < campaigns.length) break;
  }
  return found;
}
