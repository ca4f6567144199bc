import { toJson } from "@bufbuild/protobuf";
import {
  type CampaignSettings,
  type HistoryEntry,
  HistoryEntrySchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import type { Command } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { epochMsOf, grouped, instantText, printable, stateName } from "../render.ts";

const defaultLimit = 100;
const maxLimit = 100_000;
const pageSize = 1_000;

export const history: Command = {
  name: "history",
  summary: "what was done with a campaign, by whom and when, newest first",
  takesCampaign: true,
  options: [{ flags: "--limit <n>", about: `at most so many entries (default ${defaultLimit})` }],
  examples: ["coupon history 01JEXAMPLE", "coupon history 01JEXAMPLE --limit 1000 --json"],
  notes:
    "Nobody can change or remove an entry by this service. The actor is what the caller said, not proven;\n" +
    "scheduler and generator are the service itself. --json writes one entry a line.",

  async run(session, input) {
    const { output, settings, campaigns } = session;
    const limit = input.wholeNumber("--limit", 1, maxLimit) ?? defaultLimit;
    let left = limit;
    let pageToken = "";
    do {
      const request = { campaignId: input.campaignId, pageSize: Math.min(left, pageSize), pageToken };
      const page = await call(session, (options) => campaigns.listHistory(request, options));
      for (const entry of page.entries) {
        const line = output.json
          ? JSON.stringify(toJson(HistoryEntrySchema, entry, jsonOptions))
          : entryLines(entry, settings.zone);
        await output.write(`${line}\n`);
      }
      left -= page.entries.length;
      pageToken = page.nextPageToken;
    } while (left > 0 && pageToken !== "");
    if (pageToken !== "") output.note(`there are older entries: --limit ${limit * 10} shows more`);
  },
};

function entryLines(entry: HistoryEntry, zone: string): string {
  const atMs = epochMsOf(entry.at) ?? 0;
  const who = entry.actor === "" ? "(not told)" : printable(entry.actor);
  const head = `${String(entry.revision).padStart(4)}  ${instantText(atMs, zone)}  ${printable(entry.verb)}  by ${who}`;
  return [head, ...differences(entry, zone).map((line) => `        ${line}`)].join("\n");
}

/** What the change changed; of a creation, what was created. */
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
  ];
}
