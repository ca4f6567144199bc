import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { CampaignService } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { GetCampaignStatsResponseSchema } from "../proto/gen/coupon/v1/stats_pb.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Issuances } from "../record/issuances.ts";
import { COUNTED_MAX, type IssueCounts, type IssueRate } from "../record/issue-rate.ts";
import type { Clock } from "../runtime/clock.ts";
import { viewCampaign } from "./campaign-view.ts";
import { refusalError } from "./refusal.ts";
import { type Valid, validCampaignId, validCount } from "./validate.ts";

export type CampaignStatsDeps = {
  campaigns: Pick<Campaigns, "find">;
  issuances: Pick<Issuances, "count">;
  issueRate: IssueRate;
  clock: Clock;
};

const BUCKET_MS = { least: 10, most: 3_600_000, whenZero: 1_000 } as const;
const BUCKETS = { least: 1, most: 1_000, whenZero: 60 } as const;

/** The operators' GetCampaignStats. Walking along a million issuances takes MongoDB seconds: all who ask meanwhile share one walk. */
export function createCampaignStats(
  deps: CampaignStatsDeps,
): Pick<ServiceImpl<typeof CampaignService>, "getCampaignStats"> {
  const { campaigns, issuances, issueRate, clock } = deps;
  const underWay = new Map<string, Promise<IssueCounts>>();

  const orRefuse = <T>(valid: Valid<T>): T => {
    if (!valid.ok) throw refusalError(valid.refusal, clock.now());
    return valid.value;
  };

  function count(campaignId: string, startsAt: Date, bucketMs: number, buckets: number) {
    const name = `${campaignId} ${bucketMs} ${buckets}`;
    const running = underWay.get(name);
    if (running !== undefined) return running;
    const counting = issueRate
      .count(campaignId, { startsAt, bucketMs, buckets })
      .finally(() => underWay.delete(name));
    underWay.set(name, counting);
    return counting;
  }

  return {
    async getCampaignStats(request) {
      const range = <N extends typeof BUCKETS | typeof BUCKET_MS>(field: string, value: number, allowed: N) =>
        orRefuse(validCount(field, value, allowed.least, allowed.most, allowed.whenZero));
      const bucketMs = range("bucket_ms", request.bucketMs, BUCKET_MS);
      const buckets = range("buckets", request.buckets, BUCKETS);
      const doc = await campaigns.find(orRefuse(validCampaignId(request.campaignId)));
      if (doc === null) throw refusalError({ reason: "UNKNOWN_CAMPAIGN" }, clock.now());
      const counts = await count(doc._id, doc.startsAt, bucketMs, buckets);
      const issued = doc.state === "SOLD_OUT" ? doc.total : await issuances.count(doc._id);
      const last = Math.max(-1, ...counts.perBucket.keys());
      return create(GetCampaignStatsResponseSchema, {
        campaign: viewCampaign(doc, issued),
        issuedPerBucket: Array.from({ length: last + 1 }, (_, bucket) => counts.perBucket.get(bucket) ?? 0),
        bucketMs,
        issuedLater: counts.later + Math.max(0, issued - counts.counted),
        issuedEarly: counts.early,
        truncated: counts.counted === COUNTED_MAX && issued > counts.counted,
        ...(counts.firstAt === undefined ? {} : { firstIssuedAt: timestampFromDate(counts.firstAt) }),
        ...(counts.lastAt === undefined ? {} : { lastIssuedAt: timestampFromDate(counts.lastAt) }),
        serverTime: timestampFromMs(clock.now()),
      });
    },
  };
}
