import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";

/** The campaigns that the list shows, newest first: one page of the service, or several. */
export type Listed = { readonly campaigns: readonly Campaign[]; readonly nextPageToken: string };

/** The list with a page behind it; the first page where there is no list yet. */
export function withNextPage(before: Listed | undefined, next: Listed): Listed {
  return {
    campaigns: [...(before?.campaigns ?? []), ...next.campaigns],
    nextPageToken: next.nextPageToken,
  };
}

/** The list with its newest page as it is now; `pageSize`: of a page. */
export function withNewest(before: Listed | undefined, newest: Listed, pageSize: number): Listed {
  if (before === undefined || before.campaigns.length <= pageSize) return newest;
  const ids = new Set(newest.campaigns.map(({ id }) => id));
  const older = before.campaigns.filter(({ id }) => !ids.has(id));
  return { campaigns: [...newest.campaigns, ...older], nextPageToken: before.nextPageToken };
}
