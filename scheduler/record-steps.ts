import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc, RecordedState } from "../record/documents.ts";
import type { History } from "../record/history.ts";
import type { Issuances } from "../record/issuances.ts";
import type { OwnStep } from "../record/steps.ts";
import { counted } from "../runtime/counting.ts";
import type { Logger } from "../runtime/logger.ts";

export type RecordStepsDeps = {
  readonly campaigns: Pick<Campaigns, "advance" | "find">;
  readonly history: Pick<History, "flush">;
  readonly issuances: Pick<Issuances, "count">;
  readonly logger: Logger;
};

/**
 * Records steps that a campaign has made by itself: each only from its expected state, with its entry in the
 * history.
 */
export type RecordSteps = ReturnType<typeof createRecordSteps>;

export function createRecordSteps({ campaigns, history, issuances, logger }: RecordStepsDeps) {
  async function step(
    id: string,
    from: readonly RecordedState[],
    to: RecordedState,
    own: OwnStep,
  ): Promise<boolean> {
    const made = await campaigns.advance(id, from, to, own);
    if (made) await history.flush(id);
    return made;
  }

  async function recordOpen(campaign: CampaignDoc, openedAtMs: number): Promise<void> {
    const openedAt = new Date(openedAtMs);
    if (await step(campaign._id, ["SCHEDULED"], "OPEN", { by: "scheduler", verb: "open", openedAt })) {
      const lateMs = openedAtMs - campaign.startsAt.getTime();
      logger.info({ campaign: campaign._id, lateMs }, "open, and recorded as such");
    }
  }

  /**
   * Records the end only while the total is as it was read: coupons that were added since must first reach
   * the pool. An addition that is not counted in the total yet is dropped.
   */
  async function recordEnded(campaign: CampaignDoc, from: readonly RecordedState[]): Promise<void> {
    const { _id: id, total, endsAt } = campaign;
    const own = { by: "scheduler", verb: "end", total, ...(endsAt === undefined ? {} : { endsAt }) } as const;
    if (await step(id, from, "ENDED", own)) logger.info({ campaign: id }, "ended, and recorded as such");
  }

  /**
   * Records a sold-out campaign. Returns the number of issuances if it differs from the total although the
   * pool is empty; undefined: all is well.
   */
  async function recordSoldOut({
    _id: id,
    total,
  }: CampaignDoc): Promise<{ readonly issued: number } | undefined> {
    const issued = await issuances.count(id);
    // The total may differ because coupons were added and issued since the campaign was read.
    if (issued !== total) return (await campaigns.find(id))?.total === total ? { issued } : undefined;
    const own = { by: "scheduler", verb: "sell-out", total } as const;
    if (await step(id, ["OPEN"], "SOLD_OUT", own)) {
      logger.info(
        { campaign: id, issued },
        `sold out: ${counted(issued, "coupon")}, each with a durable issuance`,
      );
    }
    return undefined;
  }

  return { recordOpen, recordEnded, recordSoldOut };
}
