import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type CampaignService,
  ExportCouponsResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import { answerChannelIn, cutUnlessTaken } from "../http/answer-channel.ts";
import { throwIfGone } from "./caller-gone.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import { viewIssuance } from "./find-issuance.ts";
import type { ReadingPace } from "./reading-pace.ts";
import { createRefuse } from "./refuse.ts";
import { pageToken, validCount, validPageToken } from "./validation.ts";

const EXPORT_BATCH = { most: 10_000, whenZero: 1_000 } as const;
/** An id has at most 128 characters: a message stays below 3 MB, whatever batch is asked for. */
const EXPORT_READ = { idle: 2_000, busy: 100 } as const;
/**
 * A message that its caller does not read stays in memory: so at most this many exports run at once, and one
 * whose caller takes nothing for so long is cut.
 */
const EXPORTS_MAX = 16;
const EXPORT_TAKEN_WITHIN_MS = 60_000;

export type ExportCouponsDeps = {
  readonly issuances: Pick<Issuances, "inOrder">;
  readonly pace: ReadingPace;
  readonly findCampaign: (id: string) => Promise<CampaignDoc>;
  readonly clock: Clock;
  /** Fires when the server drains: the export ends then; its caller can go on with the last page_token. */
  readonly draining: AbortSignal;
};

/** Streams issuances in issue order, page by page, throttled so that claims are not slowed down. */
export function createExportCoupons(
  deps: ExportCouponsDeps,
): ServiceImpl<typeof CampaignService>["exportCoupons"] {
  const { issuances, pace, findCampaign, clock, draining } = deps;
  const exports = createConcurrencyLimit(EXPORTS_MAX, "exports are under way", clock);
  const { orRefuse } = createRefuse(clock);

  return async function* exportCoupons(request, context) {
    const { most, whenZero } = EXPORT_BATCH;
    const batchSize = orRefuse(validCount("batch_size", request.batchSize, 1, most, whenZero));
    let after = orRefuse(validPageToken(request.pageToken));
    const { _id: campaignId, onePerUser } = await findCampaign(request.campaignId);
    const size = {
      idle: Math.min(batchSize, EXPORT_READ.idle),
      busy: Math.min(batchSize, EXPORT_READ.busy),
    };
    const leave = exports.take();
    const channel = answerChannelIn(context.values);
    try {
      while (!context.signal.aborted) {
        if (draining.aborted)
          throw new ConnectError("this server is stopping; go on with the last page_token", Code.Unavailable);
        const read = async (most: number) => {
          const page = await issuances.inOrder(campaignId, after, most);
          return { page, isLast: page.length < most };
        };
        const { page, isLast } = await pace.page(size, read, context.signal);
        const lastOne = page.at(-1);
        if (lastOne === undefined) return;
        after = lastOne;
        const message = create(ExportCouponsResponseSchema, {
          coupons: page.map((issuance) => viewIssuance(issuance, onePerUser)),
          nextPageToken: pageToken(lastOne),
        });
        const taken = cutUnlessTaken(channel, EXPORT_TAKEN_WITHIN_MS, clock);
        try {
          yield message;
        } finally {
          taken();
        }
        if (isLast) return;
      }
      throwIfGone(context.signal);
    } finally {
      leave();
    }
  };
}
