import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { enumName } from "../proto/enum-name.ts";
import {
  type Campaign,
  CampaignState,
  CampaignStateSchema,
  ClaimAuth,
  ClaimAuthSchema,
} from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { RedemptionRules } from "../proto/gen/coupon/v1/redemption_pb.ts";
import { counted, grouped } from "../runtime/counting.ts";
import { rfc3339In } from "./zone.ts";

/** Characters that join or colour an emoji, and are a part of it. */
const ofEmoji =
  /(?<=\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)/u;
const hidden = new RegExp(
  String.raw`(?!${ofEmoji.source})[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]`,
  "gu",
);

/**
 * Text in which all characters that a terminal would execute or not show are escaped as in JSON: controls,
 * direction overrides, characters without width, fillers, tags. The servers' text logs have the same rule
 * (runtime/visible.ts).
 */
export function printable(text: string): string {
  return text.replace(hidden, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/**
 * Rounded up, so that it never shows zero before the end: "2d 03:04:05", "00:01:30", under ten seconds
 * "9.9s".
 */
export function countdown(leftMs: number): string {
  if (leftMs <= 0) return "0.0s";
  const tenths = Math.ceil(leftMs / 100);
  if (tenths < 100) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.ceil(leftMs / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const days = Math.floor(seconds / 86_400);
  return days > 0 ? `${days}d ${clock}` : clock;
}

/**
 * The instant in full: on the operator's wall clock, on that of the zone that the operator named, if any, and
 * in UTC.
 */
export function instantText(epochMs: number, zone: string, named?: string): string {
  const walls = [...new Set([zone, named ?? zone])].filter((wall) => wall !== "UTC");
  const texts = walls.map((wall) => `${rfc3339In(epochMs, wall).replace("T", " ")} (${wall})`);
  return [...texts, new Date(epochMs).toISOString()].join(" = ");
}

/** Undefined stays undefined: proto3 leaves absent timestamps out. */
export function epochMsOf(timestamp: Timestamp | undefined): number | undefined {
  return timestamp === undefined ? undefined : timestampMs(timestamp);
}

/** "SOLD_OUT"; of a state that is unknown to this build, its number. */
export function stateName(state: number): string {
  return enumName(CampaignStateSchema, state);
}

/** True: the campaign issues nothing more, unless coupons are added. */
export function isOver(state: number): boolean {
  return (
    state === CampaignState.SOLD_OUT || state === CampaignState.ENDED || state === CampaignState.CANCELLED
  );
}

/** True: it was paused before it opened, so its start alone does not open it. */
export function isHeldBeforeOpening({ state, openedAt }: Pick<Campaign, "state" | "openedAt">): boolean {
  return state === CampaignState.PAUSED && openedAt === undefined;
}

/** The words for the start of a campaign that was paused before its opening. */
export function whenResumed(leftMs: number): string {
  return leftMs > 0
    ? `would open in ${countdown(leftMs)} if it were resumed`
    : "opens as soon as it is resumed";
}

export interface SummaryContext {
  /** The operator's zone. */
  readonly zone: string;
  /** The server's clock; undefined: no countdown is shown. */
  readonly serverMs: number | undefined;
  /** Further zones that the operator named. */
  readonly alsoZones?: readonly string[];
}

/** One fact a line: the label and its value. */
export function campaignFacts(campaign: Campaign, context: SummaryContext): [label: string, value: string][] {
  const { zone, serverMs } = context;
  const startsMs = epochMsOf(campaign.startsAt);
  const endsMs = epochMsOf(campaign.endsAt);
  const openedMs = epochMsOf(campaign.openedAt);
  const createdMs = epochMsOf(campaign.createdAt);
  const facts: [string, string][] = [
    ["name", printable(campaign.name)],
    ["state", stateName(campaign.state)],
    ["coupons", `${grouped(campaign.issued)} of ${grouped(campaign.total)} issued`],
  ];
  const ordered = campaign.total + campaign.adding;
  if (campaign.adding > 0) facts.push(["being added", grouped(campaign.adding)]);
  if (campaign.generated < ordered) {
    facts.push(["codes", `${grouped(campaign.generated)} of ${grouped(ordered)} made`]);
  }
  if (startsMs !== undefined) {
    facts.push(["starts", instantText(startsMs, zone) + startDistance(campaign, startsMs, serverMs)]);
    for (const also of context.alsoZones ?? []) {
      if (also !== zone) facts.push(["", `${rfc3339In(startsMs, also).replace("T", " ")} (${also})`]);
    }
  }
  facts.push(["ends", endsMs === undefined ? "never" : instantText(endsMs, zone)]);
  for (const also of endsMs === undefined ? [] : (context.alsoZones ?? [])) {
    if (also !== zone) facts.push(["", `${rfc3339In(endsMs ?? 0, also).replace("T", " ")} (${also})`]);
  }
  if (openedMs !== undefined) facts.push(["opened", instantText(openedMs, zone)]);
  if (createdMs !== undefined) facts.push(["created", instantText(createdMs, zone)]);
  if (campaign.seriesId !== "") facts.push(["series", printable(campaign.seriesId)]);
  facts.push(["rule", ruleText(campaign)]);
  facts.push(["format", campaign.codesImported ? "imported codes" : printable(campaign.codeFormat)]);
  if (campaign.claimAuth > ClaimAuth.OPEN)
    facts.push(["claims", `need a ${enumName(ClaimAuthSchema, campaign.claimAuth).toLowerCase()}`]);
  if (campaign.forgetUsersAfterDays > 0)
    facts.push(["users", `erased ${counted(campaign.forgetUsersAfterDays, "day")} after it is over`]);
  return [...facts, ...redemptionRuleFacts(campaign.redemption, zone), ...metadataLines(campaign.metadata)];
}

/** The rules of a campaign in words; empty: none was set. */
function redemptionRuleFacts(
  rules: RedemptionRules | undefined,
  zone: string,
): [label: string, value: string][] {
  if (rules === undefined) return [];
  const [from, until] = [epochMsOf(rules.validFrom), epochMsOf(rules.validUntil)];
  const words = [
    ...(from === undefined ? [] : [`from ${instantText(from, zone)}`]),
    ...(until === undefined ? [] : [`until ${instantText(until, zone)}`]),
    ...(rules.validDays === 0 ? [] : [`within ${counted(rules.validDays, "day")} of its issue`]),
    ...(rules.boundToUser ? ["by its user"] : []),
    rules.maxRedemptions > 1 ? `${counted(rules.maxRedemptions, "time")}` : "once",
  ];
  return [["redeemed", words.join(", ")]];
}

function ruleText({ onePerUser, maxPerUser }: Campaign): string {
  if (onePerUser) return "one per user";
  return maxPerUser > 1
    ? `at most ${maxPerUser} per user, one per request id`
    : "one per request id: a user may get several";
}

/** The words beside the start: the time left, and whether the campaign opens then. */
function startDistance(campaign: Campaign, startsMs: number, serverMs: number | undefined): string {
  if (isHeldBeforeOpening(campaign)) {
    return serverMs === undefined
      ? ", but does not open unless it is resumed"
      : `, ${whenResumed(startsMs - serverMs)}`;
  }
  return serverMs !== undefined && startsMs > serverMs ? `, in ${countdown(startsMs - serverMs)}` : "";
}

/** Lines with their labels in a column. */
export function factLines(facts: readonly (readonly [string, string])[]): string {
  const width = Math.max(...facts.map(([label]) => label.length));
  return facts.map(([label, value]) => `  ${label.padEnd(width)}  ${value}\n`).join("");
}

/** One fact a line, by key: the first has the label. */
export function metadataLines(metadata: Readonly<Record<string, string>>): [label: string, value: string][] {
  return Object.entries(metadata)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value], at) => [at === 0 ? "metadata" : "", `${printable(key)}=${printable(value)}`]);
}
