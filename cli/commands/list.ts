import { toJson } from "@bufbuild/protobuf";
import { type Campaign, CampaignSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { pagesOf } from "../pages.ts";
import { paintedState } from "../painted-state.ts";
import { epochMsOf, grouped, printable, stateName } from "../render.ts";
import type { Session } from "../session.ts";
import { defaultLimit } from "../verbs/list.ts";
import { rfc3339In } from "../zone.ts";

const maxLimit = 1_000_000;
const campaignsPerPage = 100;

export const action: Action = {
  async run(session, input) {
    const limit = input.wholeNumber("--limit", 1, maxLimit) ?? defaultLimit;
    const includeRehearsals = input.flag("--rehearsals") === true;
    let left = limit;
    let isFirst = true;
    const pages = pagesOf(session, (pageToken, options) => {
      const request = { pageSize: Math.min(left, campaignsPerPage), pageToken, includeRehearsals };
      return session.campaigns.listCampaigns(request, options);
    });
    for await (const { campaigns, nextPageToken } of pages) {
      const shown = campaigns.slice(0, left);
      if (isFirst) await session.output.write(heading(session, shown.length));
      isFirst = false;
      await session.output.write(shown.map((campaign) => line(session, campaign)).join(""));
      left -= shown.length;
      if (left > 0) continue;
      if (nextPageToken !== "") session.output.note(`there are more than ${limit}; give a higher --limit`);
      break;
    }
  },
};

function heading(session: Session, count: number): string {
  const { output, settings } = session;
  if (output.json) return "";
  if (count === 0) return output.spelled("no campaigns yet; coupon create makes one\n");
  const walls = wallsOf(settings.zone).map((wall) => `STARTS (${wall})`);
  return `${columns("ID", "STATE", "ISSUED", walls, "NAME")}\n`;
}

/** The operator's zone and UTC; once where that is the same. */
function wallsOf(zone: string): string[] {
  return [...new Set([zone, "UTC"])];
}

// The name comes last: its width on a terminal is not its length.
function columns(id: string, state: string, issued: string, starts: readonly string[], name: string): string {
  const cells = starts.map((text) => text.padEnd("2026-12-24T20:00:00.000+09:00".length));
  return [id.padEnd(26), state.padEnd(10), issued.padStart(19), ...cells, name].join("  ");
}

function wallText(startsMs: number, wall: string): string {
  return wall === "UTC" ? new Date(startsMs).toISOString() : rfc3339In(startsMs, wall);
}

function line(session: Session, campaign: Campaign): string {
  const { output, settings } = session;
  if (output.json) return `${JSON.stringify(toJson(CampaignSchema, campaign, jsonOptions))}\n`;
  const startsMs = epochMsOf(campaign.startsAt);
  const starts = wallsOf(settings.zone).map((wall) =>
    startsMs === undefined ? "" : wallText(startsMs, wall),
  );
  const issued = `${grouped(campaign.issued)}/${grouped(campaign.total)}`;
  const name = stateName(campaign.state);
  const row = columns(campaign.id, name, issued, starts, printable(campaign.name));
  return `${row.replace(name, () => paintedState(output, campaign.state))}\n`;
}
