import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { validCampaignId } from "../../campaign/valid.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { GetCampaignStatsResponseSchema } from "../../proto/gen/coupon/v1/stats_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import { COUNTED_MAX, type IssueCounts, type IssueRate } from "../../record/issue-rate.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createSingleFlight } from "../../runtime/single-flight.ts";
import { viewCampaign } from "../view/campaign-view.ts";
import { createRefuse } from "./refuse.ts";
import { toConnectError } from "./rpc-status.ts";
import { type AskedWindow, BUCKET_MS_MAX, BUCKETS_MAX, type SaleWindow, saleWindow } from "./sale-window.ts";
import { validCount } from "./validation.ts";

type Walk = { readonly window: SaleWindow; readonly counts: IssueCounts };

export type CampaignStatsDeps = {
  campaigns: Pick<Campaigns, "find">;
  issuances: Pick<Issuances, "count">;
  issueRate: IssueRate;
  clock: Clock;
};

/** 0 as well: then the value is chosen to fit the sale. */
const BUCKET_MS = { least: 10, most: BUCKET_MS_MAX } as const;
const BUCKETS = { least: 1, most: BUCKETS_MAX } as const;

/**
 * The operators' GetCampaignStats. To read a million issuances takes MongoDB seconds: all callers that ask
 * meanwhile share one reading.
 */
export function createCampaignStats(
  deps: CampaignStatsDeps,
): Pick<ServiceImpl<typeof CampaignService>, "getCampaignStats"> {
  const { campaigns, issuances, issueRate, clock } = deps;
  const walks = createSingleFlight<Walk>();

  const { orRefuse } = createRefuse(clock);

  async function walk({ _id, startsAt }: CampaignDoc, issued: number, asked: AskedWindow): Promise<Walk> {
    const extent = await issueRate.extent(_id, issued);
    const sinceStartMs = (at: Date) => at.getTime() - startsAt.getTime();
    const window = saleWindow(
      asked,
      extent && { firstMs: sinceStartMs(extent.firstAt), mostByMs: sinceStartMs(extent.mostBy) },
    );
    return { window, counts: await issueRate.count(_id, { startsAt, ...window }) };
  }

  return {
    async getCampaignStats(request) {
      const range = <N extends typeof BUCKETS | typeof BUCKET_MS>(field: string, value: number, allowed: N) =>
        orRefuse(validCount(field, value, allowed.least, allowed.most, 0));
      const asked = {
        bucketMs: range("bucket_ms", request.bucketMs, BUCKET_MS),
        buckets: range("buckets", request.buckets, BUCKETS),
      };
      const doc = await campaigns.find(orRefuse(validCampaignId(request.campaignId)));
      if (doc === null) throw toConnectError({ reason: "UNKNOWN_CAMPAIGN" }, clock.now());
      const issued = doc.state === "SOLD_OUT" ? doc.total : await issuances.count(doc._id);
      const { window, counts } = await walks.run(`${doc._id} ${asked.bucketMs} ${asked.buckets}`, () =>
        walk(doc, issued, asked),
      );
      const last = Math.max(-1, ...counts.perBucket.keys());
      return create(GetCampaignStatsResponseSchema, {
        campaign: viewCampaign(doc, issued),
        issuedPerBucket: Array.from({ length: last + 1 }, (_, bucket) => counts.perBucket.get(bucket) ?? 0),
        bucketMs: window.bucketMs,
        firstBucketMs: BigInt(window.fromMs),
        issuedLater: counts.later + Math.max(0, issued - counts.counted),
        issuedEarly: counts.early,
        truncated: counts.counted === COUNTED_MAX && issued > counts.counted,
        ...(counts.firstAt === undefined ? {} : { firstIssuedAt: timestampFromDate(counts.firstAt) }),
        ...(counts.lastAt === undefined ? {} : { lastIssuedAt: timestampFromDate(counts.lastAt) }),
        ...(counts.peak === undefined
          ? {}
          : {
              peakPerSecond: counts.peak.issued,
              peakAt: timestampFromMs(doc.startsAt.getTime() + counts.peak.sinceStartMs),
            }),
        serverTime: timestampFromMs(clock.now()),
      });
    },
  };
}
