import { toJson } from "@bufbuild/protobuf";
import { type Campaign, CampaignSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { grouped } from "../../runtime/counting.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { metadataOf } from "../metadata.ts";
import type { Output } from "../output.ts";
import { pagesOf } from "../pages.ts";
import { paintedState } from "../painted-state.ts";
import { epochMsOf, printable, stateName } from "../render.ts";
import type { Session } from "../session.ts";
import { type Column, hasRoom, tableLines } from "../table.ts";
import { defaultLimit } from "../verbs/list.ts";
import { rfc3339In } from "../zone.ts";

const maxLimit = 1_000_000;
const campaignsPerPage = 100;
/** The length of the longest state, so that all pages of a listing have the same columns. */
const stateCells = 10;

export const action: Action = {
  async run(session, input) {
    const limit = input.wholeNumber("--limit", 1, maxLimit) ?? defaultLimit;
    const seriesId = input.text("--series") ?? "";
    const includeRehearsals = input.flag("--rehearsals") === true;
    const metadata = metadataOf(input);
    let left = limit;
    let isFirst = true;
    const pages = pagesOf(session, (pageToken, options) => {
      const request = {
        ...{ pageSize: Math.min(left, campaignsPerPage), pageToken, includeRehearsals, metadata, seriesId },
      };
      return session.campaigns.listCampaigns(request, options);
    });
    const none =
      Object.keys(metadata).length === 0
        ? "no campaigns yet; coupon create makes one\n"
        : "no campaign has this metadata\n";
    for await (const { campaigns, nextPageToken } of pages) {
      const shown = campaigns.slice(0, left);
      await session.output.write(pageText(session, shown, isFirst, none));
      isFirst = false;
      left -= shown.length;
      if (left > 0) continue;
      if (nextPageToken !== "") session.output.note(`there are more than ${limit}; give a higher --limit`);
      break;
    }
  },
};

function pageText(session: Session, campaigns: readonly Campaign[], isFirst: boolean, none: string): string {
  const { output, settings } = session;
  if (output.json)
    return campaigns
      .map((campaign) => `${JSON.stringify(toJson(CampaignSchema, campaign, jsonOptions))}\n`)
      .join("");
  if (campaigns.length === 0) return isFirst ? none : "";
  const layouts = layoutsFor(output, settings.zone, campaigns);
  if (!layouts.some((layout) => hasRoom(layout, campaigns, output.columns)))
    return campaigns.map((campaign) => blockText(output, settings.zone, campaign)).join("");
  const lines = tableLines(layouts, campaigns, output.columns);
  return `${lines.slice(isFirst ? 0 : 1).join("\n")}\n`;
}

/** A campaign in lines of its own, for a terminal that has no room for a table. */
function blockText(output: Output, zone: string, campaign: Campaign): string {
  const startsMs = epochMsOf(campaign.startsAt);
  const lines = [
    `${campaign.id}  ${paintedState(output, campaign.state)}`,
    `  ${grouped(campaign.issued)}/${grouped(campaign.total)} issued`,
    ...(startsMs === undefined ? [] : [`  starts ${rfc3339In(startsMs, zone).replace("T", " ")}`]),
    `  ${printable(campaign.name)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * The layouts, the widest first. A narrower one has no start in UTC, then no offset and seconds, then no
 * start. Where the last one has no room either, each campaign is shown in lines of its own.
 */
function layoutsFor(output: Output, zone: string, campaigns: readonly Campaign[]): Column<Campaign>[][] {
  const id: Column<Campaign> = { heading: "ID", cell: ({ id: text }) => text };
  const state: Column<Campaign> = {
    heading: "STATE",
    cell: (campaign) => stateName(campaign.state).padEnd(stateCells),
    paint: ({ state: value }, text) => {
      const name = text.trimEnd();
      return name === stateName(value) ? paintedState(output, value) + text.slice(name.length) : text;
    },
  };
  const issued: Column<Campaign> = {
    heading: "ISSUED",
    cell: (campaign) => `${grouped(campaign.issued)}/${grouped(campaign.total)}`,
    side: "right",
  };
  const name = (cellsMin: number): Column<Campaign> => ({
    ...{ heading: "NAME", cell: (campaign) => printable(campaign.name), cellsMin },
  });
  const starts = (wall: string, told: (ms: number) => string): Column<Campaign> => ({
    heading: `STARTS (${wall})`,
    cell: ({ startsAt }) => {
      const startsMs = epochMsOf(startsAt);
      return startsMs === undefined ? "" : told(startsMs);
    },
  });
  const here = starts(zone, (ms) => wallText(ms, zone));
  // The heading has the offset where it is the same for all rows, which is so unless summer time begins or
  // ends.
  const offsetAt = (ms: number): string => (zone === "UTC" ? "UTC" : rfc3339In(ms, zone).slice(-6));
  const offsets = [...new Set(campaigns.map(({ startsAt }) => offsetAt(epochMsOf(startsAt) ?? 0)))];
  const [offset] = offsets.length === 1 ? offsets : [];
  const brief = starts(
    zone,
    (ms) => rfc3339In(ms, zone).slice(0, 16).replace("T", " ") + (offset === undefined ? offsetAt(ms) : ""),
  );
  const inUtc = zone === "UTC" ? [] : [starts("UTC", (ms) => wallText(ms, "UTC"))];
  return [
    [id, state, issued, here, ...inUtc, name(16)],
    [id, state, issued, here, name(12)],
    [
      id,
      state,
      issued,
      { ...brief, heading: offset === undefined ? "STARTS" : `STARTS (${offset})` },
      name(8),
    ],
    [id, state, issued, name(8)],
  ];
}

function wallText(startsMs: number, wall: string): string {
  return wall === "UTC" ? new Date(startsMs).toISOString() : rfc3339In(startsMs, wall);
}
