import { toJson } from "@bufbuild/protobuf";
import {
  type CampaignSettings,
  type HistoryEntry,
  HistoryEntrySchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { pagesOf } from "../pages.ts";
import { epochMsOf, instantText, metadataLines, printable, stateName } from "../render.ts";
import { defaultLimit } from "../verbs/history.ts";

const maxLimit = 100_000;
const pageSize = 1_000;
/** So many places of an erasure fit a line or two. */
const placesShown = 20;

export const action: Action = {
  async run(session, input) {
    const { output, settings, campaigns } = session;
    const limit = input.wholeNumber("--limit", 1, maxLimit) ?? defaultLimit;
    let left = limit;
    const pages = pagesOf(session, (pageToken, options) => {
      const request = { campaignId: input.campaignId, pageSize: Math.min(left, pageSize), pageToken };
      return campaigns.listHistory(request, options);
    });
    for await (const { entries, nextPageToken } of pages) {
      for (const entry of entries) {
        const line = output.json
          ? JSON.stringify(toJson(HistoryEntrySchema, entry, jsonOptions))
          : entryLines(entry, settings.zone);
        await output.write(`${line}\n`);
      }
      left -= entries.length;
      if (left > 0) continue;
      if (nextPageToken !== "") output.note(`there are older entries: --limit ${limit * 10} shows more`);
      break;
    }
  },
};

function entryLines(entry: HistoryEntry, zone: string): string {
  const atMs = epochMsOf(entry.at) ?? 0;
  const who = entry.actor === "" ? "(not given)" : printable(entry.actor);
  const head = `${String(entry.revision).padStart(4)}  ${instantText(atMs, zone)}  ${printable(entry.verb)}  by ${who}`;
  const happenedMs = epochMsOf(entry.happenedAt);
  const happened = happenedMs === undefined ? [] : [`happened: ${instantText(happenedMs, zone)}`];
  return [
    head,
    ...[...differences(entry, zone), ...erasedLines(entry), ...happened].map((line) => `        ${line}`),
  ].join("\n");
}

/** Of an erasure, the coupons whose users it took out: their places, never who they were. */
function erasedLines({ erased }: HistoryEntry): string[] {
  if (erased === undefined) return [];
  const { count, places } = erased;
  const shown = places.slice(0, placesShown).map(printable).join(", ");
  const more = places.length > placesShown ? ", … (--json has them)" : "";
  const where = places.length === 0 ? "all that were issued until then" : `${shown}${more}`;
  return [`users erased of: ${counted(count, "coupon")}, ${where}`];
}

/** The settings that the change changed; of a creation, all settings. */
function differences({ before, after }: HistoryEntry, zone: string): string[] {
  if (after === undefined) return [];
  const now = settingTexts(after, zone);
  if (before === undefined) return now.map(([name, text]) => `${name}: ${text}`);
  const then = new Map(settingTexts(before, zone));
  return now
    .filter(([name, text]) => then.get(name) !== text)
    .map(([name, text]) => `${name}: ${then.get(name) ?? ""} → ${text}`);
}

function settingTexts(settings: CampaignSettings, zone: string): [name: string, text: string][] {
  const instant = (ms: number | undefined) => (ms === undefined ? "never" : instantText(ms, zone));
  return [
    ["state", stateName(settings.state)],
    ["name", printable(settings.name)],
    ["coupons", grouped(settings.total)],
    ["being added", grouped(settings.adding)],
    ["starts", instant(epochMsOf(settings.startsAt))],
    ["ends", instant(epochMsOf(settings.endsAt))],
    [
      "users erased",
      settings.forgetUsersAfterDays === 0
        ? "not by itself"
        : `${counted(settings.forgetUsersAfterDays, "day")} after it is over`,
    ],
    [
      "metadata",
      metadataLines(settings.metadata)
        .map(([, entry]) => entry)
        .join(", ") || "none",
    ],
  ];
}
