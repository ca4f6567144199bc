import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { isSettled, type Settled, type SettledNow } from "../../campaign/settled-issues.ts";
import {
  type CampaignService,
  ExportCouponsResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { IssuePosition } from "../../record/issue-ranges.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { answerChannelIn, cutUnlessTaken } from "../http/answer-channel.ts";
import { throwIfGone } from "./caller-gone.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import { viewIssuance } from "./find-issuance.ts";
import type { ReadingPace } from "./reading-pace.ts";
import { createRefuse } from "./refuse.ts";
import { settledPage } from "./settled-page.ts";
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

/**
 * How long an export waits for claims under way that come before the next coupons, in ms: longer than a load
 * holds those of the new generation back. And how often it looks. After that it goes on without them, as an
 * audit of a campaign whose pool is lost has to end; its page tokens are exact no more.
 */
const PENDING_WAIT_MS = 15_000;
const PENDING_LOOK_MS = 20;
/** Meanwhile a message without coupons says so often that the export goes on. */
const PENDING_SAY_MS = 2_000;

export type ExportCouponsDeps = {
  readonly issuances: Pick<Issuances, "inOrder" | "last" | "countBefore">;
  readonly settledNow: SettledNow;
  readonly pace: ReadingPace;
  readonly findCampaign: (id: string) => Promise<CampaignDoc>;
  readonly clock: Clock;
  /** Fires when the server drains: the export ends then; its caller can go on with the last page_token. */
  readonly draining: AbortSignal;
};

/**
 * Streams issuances in issue order, page by page, throttled so that claims are not slowed down. It stops
 * before the first claim that may not be durable yet, so that no coupon ever appears before a page token.
 */
export function createExportCoupons(
  deps: ExportCouponsDeps,
): ServiceImpl<typeof CampaignService>["exportCoupons"] {
  const { issuances, settledNow, pace, findCampaign, clock, draining } = deps;
  const exports = createConcurrencyLimit(EXPORTS_MAX, "exports are under way", clock);
  const { orRefuse } = createRefuse(clock);

  /** The rank of the last coupon up to a place. */
  const rankAt = async (campaignId: string, { generation, seq }: IssuePosition): Promise<number> =>
    (await issuances.countBefore(campaignId, { generation, seq: seq + 1 })) ?? 0;

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
      // Whatever is durable now is exported.
      const goal = await issuances.last(campaignId);
      let giveUpAtMs = clock.elapsed() + PENDING_WAIT_MS;
      let sayAtMs = clock.elapsed() + PENDING_SAY_MS;
      let isExact = true;
      // Of the last coupon that was sent.
      let rank = after === undefined ? 0 : await rankAt(campaignId, after);
      while (!context.signal.aborted) {
        if (draining.aborted)
          throw new ConnectError("this server is stopping; go on with the last page_token", Code.Unavailable);
        const read = async (most: number) => {
          const settled: Settled = isExact ? await settledNow(campaignId) : { kind: "all" };
          const read = await settledPage(settled, most, (below) =>
            issuances.inOrder(campaignId, after, most, below),
          );
          return { ...read, settled };
        };
        const { page, isLast, settled } = await pace.page(size, read, context.signal);
        const isAll = isLast && (goal === undefined || isSettled(goal, settled));
        const lastOne = page.at(-1);
        if (lastOne === undefined) {
          if (isAll) return;
          const nowMs = clock.elapsed();
          isExact = nowMs < giveUpAtMs;
          if (isExact && nowMs < sayAtMs) {
            await sleep(clock, PENDING_LOOK_MS);
            continue;
          }
        } else {
          giveUpAtMs = clock.elapsed() + PENDING_WAIT_MS;
          after = lastOne;
        }
        sayAtMs = clock.elapsed() + PENDING_SAY_MS;
        const message = create(ExportCouponsResponseSchema, {
          coupons: page.map((issuance) => viewIssuance(issuance, onePerUser, isExact ? ++rank : 0)),
          nextPageToken: after === undefined ? "" : pageToken(after),
        });
        const taken = cutUnlessTaken(channel, EXPORT_TAKEN_WITHIN_MS, clock);
        try {
          yield message;
        } finally {
          taken();
        }
        if (isAll) return;
      }
      throwIfGone(context.signal);
    } finally {
      leave();
    }
  };
}
