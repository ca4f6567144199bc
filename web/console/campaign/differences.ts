import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { PlainKey, Words } from "../i18n/words.ts";
import { stateKey } from "../ui/state-badge.tsx";

/** What changes can alter: both a campaign and an entry of its history have it. */
export type Settings = {
  readonly state: CampaignState;
  readonly name: string;
  readonly total: number;
  readonly adding: number;
  readonly startsAt?: Timestamp | undefined;
  readonly endsAt?: Timestamp | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly forgetUsersAfterDays: number;
};

export type Difference = { readonly title: PlainKey; readonly before: string; readonly after: string };

function metadataText(metadata: Settings["metadata"]): string {
  const entries = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return entries.sort().join(", ");
}

/** The settings that differ, in words. */
export function differencesOf(before: Settings, after: Settings, words: Words, zone: string): Difference[] {
  const { t, number, instant } = words;
  const instantText = (at: Timestamp | undefined): string =>
    at === undefined ? t("fact.none") : instant(timestampMs(at), zone);
  const all: readonly (readonly [PlainKey, (settings: Settings) => string])[] = [
    ["fact.state", ({ state }) => t(stateKey(state))],
    ["fact.name", ({ name }) => name],
    ["fact.total", ({ total }) => number(total)],
    ["fact.adding", ({ adding }) => number(adding)],
    ["fact.start", ({ startsAt }) => instantText(startsAt)],
    ["fact.end", ({ endsAt }) => instantText(endsAt)],
    [
      "fact.usersErased",
      ({ forgetUsersAfterDays: count }) =>
        count === 0 ? t("fact.notByItself") : t("fact.daysAfterOver", { count }),
    ],
    ["fact.metadata", ({ metadata }) => metadataText(metadata) || t("fact.none")],
  ];
  return all
    .map(([title, textOf]) => ({ title, before: textOf(before), after: textOf(after) }))
    .filter((difference) => difference.before !== difference.after);
}
