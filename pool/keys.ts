/**
 * Every Redis key of the system. All keys of a campaign share the hash tag `{id}`, so that each campaign
 * lives in one cluster slot and one script can touch all of them. The service makes the ids (26 letters and
 * digits): no text of a caller reaches a key name.
 */
export type CampaignKeys = {
  readonly meta: string;
  readonly staged: string;
  readonly open: string;
  /** Codes of a campaign that is paused or cancelled. */
  readonly away: string;
  readonly claims: string;
  readonly ledger: string;
  readonly loading: string;
  readonly loadingCodes: string;
  readonly loadingClaims: string;
  /** Written and removed at once, to see whether Redis takes a write. */
  readonly probe: string;
};

export function campaignKeys(campaignId: string): CampaignKeys {
  return keysUnder(`cp:{${campaignId}}`);
}

/**
 * The keys of a warm-up's shadow: in the slot of the campaign that is about to open, so on its node, and
 * never those of a campaign.
 */
export function shadowKeys(campaignId: string, shadowId: string): CampaignKeys {
  return keysUnder(`cp:warm-up:{${campaignId}}:${shadowId}`);
}

function keysUnder(prefix: string): CampaignKeys {
  return {
    meta: `${prefix}:meta`,
    staged: `${prefix}:staged`,
    open: `${prefix}:open`,
    away: `${prefix}:away`,
    claims: `${prefix}:claims`,
    ledger: `${prefix}:ledger`,
    loading: `${prefix}:loading`,
    loadingCodes: `${prefix}:loading:codes`,
    loadingClaims: `${prefix}:loading:claims`,
    probe: `${prefix}:probe`,
  };
}

/**
 * The bucket of a limit that all processes share, which expires by itself: the only key with a time to live.
 * Its hash tag is its own, so that buckets spread over a cluster. `name`: letters, digits, : and -, no text
 * of a caller.
 */
export function limitKey(name: string): string {
  return `cp:limit:{${name}}`;
}

/**
 * Chooses the node of a cluster for calls that belong to no campaign; no value is ever stored under it.
 */
export const PROCESS_KEY = "cp:process";
