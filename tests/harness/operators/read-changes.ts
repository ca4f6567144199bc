import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { HistoryEntry } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { stateOf } from "./call.ts";
import type { Change, Settings } from "./judge-history.ts";

const HISTORY_PAGE = 7;

/** Reads the whole history, ascending, in pages as the command reads them. */
export async function readChanges(campaigns: Clients["campaigns"], campaignId: string): Promise<Change[]> {
  const entries: HistoryEntry[] = [];
  let pageToken = "";
  do {
    const page = await campaigns.listHistory({ campaignId, pageSize: HISTORY_PAGE, pageToken });
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return entries.reverse().map((entry) => {
    const { revision, at, actor, verb, requestId, happenedAt } = entry;
    if (at === undefined || entry.after === undefined)
      throw new Error("an entry of the history is not whole");
    const before = entry.before === undefined ? undefined : settingsOf(entry.before);
    const atMs = timestampDate(at).getTime();
    const happenedAtMs = happenedAt === undefined ? undefined : timestampDate(happenedAt).getTime();
    return { revision, atMs, happenedAtMs, actor, verb, requestId, before, after: settingsOf(entry.after) };
  });
}

function settingsOf(told: NonNullable<HistoryEntry["after"]>): Settings {
  const { state, name, total, adding, startsAt, endsAt } = told;
  return {
    ...{ state: stateOf(state), name, total, adding },
    startsAtMs: startsAt === undefined ? 0 : timestampDate(startsAt).getTime(),
    endsAtMs: endsAt === undefined ? undefined : timestampDate(endsAt).getTime(),
  };
}
