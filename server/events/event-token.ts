import { invalid, type Valid, valid } from "../../campaign/valid.ts";
import type { EventPlace } from "../../events/cloud-event.ts";
import type { FeedPlace } from "../../events/feed-reader.ts";

/** Where a reader of events goes on, and from when on it wants them (undefined: everything), in ms. */
export type Bookmark<P> = { readonly place: P; readonly sinceMs: number | undefined };

const NUMBER = "(\\d{1,15})";
const OF_CAMPAIGN = new RegExp(`^c\\.([0-9A-Z]{26})\\.${NUMBER}\\.${NUMBER}(?:\\.${NUMBER})?$`);
const OF_ALL = new RegExp(`^a\\.${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:\\.${NUMBER})?$`);
const WRONG = invalid("page_token", "must be empty or a next_page_token of ListEvents or FollowEvents");
const OF_OTHERS = invalid(
  "page_token",
  "must be one for the same campaign, or for all campaigns like the request",
);

export function campaignToken(
  campaignId: string,
  { place: { n, index }, sinceMs }: Bookmark<EventPlace>,
): string {
  return written(["c", campaignId, n, index], sinceMs);
}

export function allToken({ place: { part, n, index }, sinceMs }: Bookmark<FeedPlace>): string {
  return written(["a", part, n, index], sinceMs);
}

export function validCampaignToken(token: string, campaignId: string): Valid<Bookmark<EventPlace>> {
  const text = read(token);
  const [, id, n, index, since] = OF_CAMPAIGN.exec(text) ?? [];
  if (id === undefined) return OF_ALL.test(text) ? OF_OTHERS : WRONG;
  if (id !== campaignId) return OF_OTHERS;
  return valid({ place: { n: Number(n), index: Number(index) }, sinceMs: sinceIn(since) });
}

export function validAllToken(token: string): Valid<Bookmark<FeedPlace>> {
  const text = read(token);
  const [, part, n, index, since] = OF_ALL.exec(text) ?? [];
  if (part === undefined) return OF_CAMPAIGN.test(text) ? OF_OTHERS : WRONG;
  const place = { part: Number(part), n: Number(n), index: Number(index) };
  return valid({ place, sinceMs: sinceIn(since) });
}

const written = (parts: readonly (string | number)[], sinceMs: number | undefined): string =>
  Buffer.from([...parts, ...(sinceMs === undefined ? [] : [sinceMs])].join(".")).toString("base64url");

const read = (token: string): string => Buffer.from(token, "base64url").toString("latin1");

const sinceIn = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
