import type { CampaignDoc } from "../record/documents.ts";

const DAY_MS = 86_400_000;

/**
 * When the users of a campaign are to be erased, in ms; undefined: not by itself, or not yet, because it is
 * not over. `overAtMs`: when it became so.
 */
export function forgetAtMs(
  {
    forgetUsersAfterDays,
    forgotUsersOf,
    total,
  }: Pick<CampaignDoc, "forgetUsersAfterDays" | "forgotUsersOf" | "total">,
  overAtMs: number | undefined,
): number | undefined {
  if (forgetUsersAfterDays === undefined || overAtMs === undefined || forgotUsersOf === total)
    return undefined;
  return overAtMs + forgetUsersAfterDays * DAY_MS;
}
