import type { MissingErasureKey } from "../campaign/erasure/pseudonyms.ts";
import { NO_ERASURE_KEY } from "../campaign/refusal.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Issue, refused } from "./issue.ts";

/** Beyond so many campaigns they are logged once more. */
const LOGGED_MAX = 1_000;

/**
 * Refuses claims of campaigns whose erased users this process cannot recognise, and logs each campaign once.
 * A code that was popped before stays in the ledger, for a process with the key.
 */
export function createKeyRefusals(logger: Logger): (campaignId: string, error: MissingErasureKey) => Issue {
  const logged = new Set<string>();
  return (campaignId, error) => {
    if (!logged.has(campaignId)) {
      if (logged.size >= LOGGED_MAX) logged.clear();
      logged.add(campaignId);
      logger.error({ component: "claims", campaign: campaignId, err: error }, "claims are refused");
    }
    return refused(NO_ERASURE_KEY);
  };
}
