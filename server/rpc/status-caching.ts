import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { GetCampaignStatusResponse } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";

/** Header fields of an answer to GET. Source: RFC 9111, section 5.2.2; RFC 9110, section 8.8.3. */
export const CACHE_CONTROL = "cache-control";
export const ETAG = "etag";

/**
 * Shared caches keep it for a second; `s-maxage` also forbids them to give it when it is stale. A browser
 * keeps it without using it unasked: what its cache kept on top of theirs would be older still.
 */
const KEPT_A_SECOND = "public, max-age=0, s-maxage=1";
export const NOT_KEPT = "no-store";

/**
 * How long before the start and the end no answer may be kept. A cache counts whole seconds: nginx gives an
 * answer with `s-maxage=1` for up to two, and the next cache for up to two more where the first one sends no
 * Age. The last second is for the way to the caller.
 */
export const NEAR_MS = 5_000;

/** States that last for ever, or until an operator changes them. */
const ENDED_STATES: ReadonlySet<CampaignState> = new Set([CampaignState.ENDED, CampaignState.CANCELLED]);
const UNOPENED_STATES: ReadonlySet<CampaignState> = new Set([
  CampaignState.GENERATING,
  CampaignState.SCHEDULED,
]);

/** How an answer of GetCampaignStatus to GET may be kept: never so long that its start or end passes. */
export function cacheControlOf(status: GetCampaignStatusResponse): string {
  return isNear(status) ? NOT_KEPT : KEPT_A_SECOND;
}

function isNear({ state, startsAt, endsAt, serverTime }: GetCampaignStatusResponse): boolean {
  if (ENDED_STATES.has(state)) return false;
  if (startsAt === undefined || serverTime === undefined) return true;
  const nowMs = timestampMs(serverTime);
  const toStartMs = timestampMs(startsAt) - nowMs;
  if (toStartMs > 0) return toStartMs < NEAR_MS;
  // The start has passed, and it opens at any moment.
  if (UNOPENED_STATES.has(state)) return true;
  return endsAt !== undefined && timestampMs(endsAt) - nowMs < NEAR_MS;
}

/**
 * Equal for equal answers only, their time included: a cache that is told "not modified" goes on giving the
 * body that it has, and callers would set their clocks by an old `server_time`.
 */
export function etagOf(status: GetCampaignStatusResponse): string {
  const { state, startsAt, endsAt, serverTime, soldOut, onePerUser, maxPerUser, claimAuth } = status;
  const ms = [serverTime, startsAt, endsAt].map((at) => (at === undefined ? "" : timestampMs(at)));
  return `"${[...ms, state, soldOut ? 1 : 0, onePerUser ? 1 : 0, maxPerUser, claimAuth].join("-")}"`;
}

/** Only what is true for every caller is kept: not that this one asks too often, nor that a store fails. */
export function cacheControlOfRefusal({ reason }: Refusal): string {
  return reason === "UNKNOWN_CAMPAIGN" ? KEPT_A_SECOND : NOT_KEPT;
}
