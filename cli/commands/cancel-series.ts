import { toJson } from "@bufbuild/protobuf";
import { type Campaign, CampaignSchema, CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import type { Input } from "../command.ts";
import { confirm } from "../confirm.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { jsonOptions } from "../json.ts";
import { pagesOf } from "../pages.ts";
import { epochMsOf, instantText, printable, stateName } from "../render.ts";
import { serverNowMs } from "../server-clock.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";

/** A campaign that starts sooner may open before the call is there. */
const leastAheadMs = 5_000;
const campaignsPerPage = 100;

/** Cancels the campaigns of a series that have not opened. Run again, it goes on where it was. */
export async function cancelSeries(session: Session, input: Input, seriesId: string): Promise<void> {
  if (input.optionalCampaignId !== undefined)
    throw new UserError("give a campaign id or --series, not both", { hint: "--help shows both" });
  if (input.text("--request-id") !== undefined)
    throw new UserError("--request-id is of one change", { hint: "a series has one for each campaign" });
  const all = await campaignsOf(session, seriesId);
  const nowMs = await serverNowMs(session);
  const waiting = all.filter(isWaiting);
  const chosen = waiting.filter((campaign) => !isAboutToOpen(campaign, nowMs));
  for (const campaign of waiting)
    if (isAboutToOpen(campaign, nowMs))
      session.output.note(`${campaign.id} is about to open and is left alone; coupon cancel ${campaign.id}`);
  if (chosen.length === 0)
    throw new UserError(
      all.length === 0
        ? `there is no campaign of series ${printable(seriesId)}`
        : `no campaign of series ${printable(seriesId)} waits for its start`,
      { hint: `coupon list --series ${printable(seriesId)} shows them` },
    );
  if (dryRunMode(input) !== undefined) {
    await session.output.write(chosen.map((campaign) => line(session, campaign)).join(""));
    session.output.note(
      `dry run: ${counted(chosen.length, "campaign")} would be cancelled; nothing was sent`,
    );
    return;
  }
  await confirm(session, input, {
    what: `cancel ${counted(chosen.length, "campaign")} of series ${seriesId} that wait for their start: their coupons are retired for ever`,
    typed: seriesId,
  });
  for (const { id: campaignId } of chosen) {
    const request = {
      ...{ campaignId, requestId: `cancel ${seriesId}`.slice(0, 128), actor: actorOf(session, input) },
      dryRun: false,
    };
    const { campaign } = await call(
      session,
      (options) => session.campaigns.cancelCampaign(request, options),
      {
        again: "trying again with the same request id",
        advice: "run the same command again, it goes on",
      },
    );
    if (campaign === undefined) throw new Error(`${CampaignService.typeName} answered without a campaign`);
    await session.output.write(line(session, campaign));
  }
}

async function campaignsOf(session: Session, seriesId: string): Promise<Campaign[]> {
  const found: Campaign[] = [];
  const pages = pagesOf(session, (pageToken, options) =>
    session.campaigns.listCampaigns({ pageSize: campaignsPerPage, pageToken, seriesId }, options),
  );
  for await (const { campaigns } of pages) found.push(...campaigns);
  return found.reverse();
}

function isWaiting({ state, openedAt }: Campaign): boolean {
  const isBefore = state === CampaignState.GENERATING || state === CampaignState.SCHEDULED;
  return isBefore || (state === CampaignState.PAUSED && openedAt === undefined);
}

function isAboutToOpen({ state, startsAt }: Campaign, nowMs: number): boolean {
  return state !== CampaignState.PAUSED && (epochMsOf(startsAt) ?? 0) < nowMs + leastAheadMs;
}

function line({ output, settings }: Session, campaign: Campaign): string {
  if (output.json) return `${JSON.stringify(toJson(CampaignSchema, campaign, jsonOptions))}\n`;
  const starts = instantText(epochMsOf(campaign.startsAt) ?? 0, settings.zone);
  return `${campaign.id}  ${stateName(campaign.state)}  ${starts}  ${printable(campaign.name)}\n`;
}
