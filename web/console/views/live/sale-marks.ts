import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Campaign } from "../../../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignState } from "../../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { WatchEvent } from "../../../../proto/gen/coupon/v1/watch_pb.ts";

/** An instant of the sale at which the chart has a line. */
export type Mark = {
  readonly atMs: number;
  readonly kind: "start" | "opened" | "end" | "sold-out" | "cancelled";
};

/** A pause; `toMs` undefined: it goes on. */
export type Pause = { readonly fromMs: number; readonly toMs: number | undefined };

type Instants = Pick<Campaign, "startsAt" | "endsAt" | "openedAt" | "state">;
type Change = Pick<WatchEvent, "at" | "fromState" | "toState">;

/** An opening this close to the start has no line of its own. */
const SAME_MS = 1_000;

/** The instants of the campaign, and those of its changes of state, in order of time. */
export function marksOf(campaign: Instants, events: readonly Change[]): Mark[] {
  const { startsAt, endsAt, openedAt } = campaign;
  const marks: Mark[] = [];
  if (startsAt !== undefined) marks.push({ atMs: timestampMs(startsAt), kind: "start" });
  const openedMs = openedAt === undefined ? undefined : timestampMs(openedAt);
  const startMs = startsAt === undefined ? Number.NEGATIVE_INFINITY : timestampMs(startsAt);
  if (openedMs !== undefined && Math.abs(openedMs - startMs) > SAME_MS)
    marks.push({ atMs: openedMs, kind: "opened" });
  const changes = changesOf(events);
  for (const { atMs, to } of changes) {
    if (to === CampaignState.SOLD_OUT) marks.push({ atMs, kind: "sold-out" });
    if (to === CampaignState.CANCELLED) marks.push({ atMs, kind: "cancelled" });
  }
  const ended = changes.find(({ to }) => to === CampaignState.ENDED);
  if (ended !== undefined) marks.push({ atMs: ended.atMs, kind: "end" });
  else if (endsAt !== undefined) marks.push({ atMs: timestampMs(endsAt), kind: "end" });
  return marks.sort((a, b) => a.atMs - b.atMs);
}

/** The pauses, in order of time. One whose beginning is not among the events reaches back without end. */
export function pausesOf({ state }: Pick<Instants, "state">, events: readonly Change[]): Pause[] {
  const pauses: Pause[] = [];
  let fromMs: number | undefined;
  let known = false;
  for (const { atMs, from, to } of changesOf(events)) {
    if (to === CampaignState.PAUSED) fromMs ??= atMs;
    else if (from === CampaignState.PAUSED) {
      pauses.push({ fromMs: fromMs ?? Number.NEGATIVE_INFINITY, toMs: atMs });
      fromMs = undefined;
    }
    known = true;
  }
  if (fromMs !== undefined) pauses.push({ fromMs, toMs: undefined });
  else if (state === CampaignState.PAUSED && !known)
    pauses.push({ fromMs: Number.NEGATIVE_INFINITY, toMs: undefined });
  return pauses;
}

function changesOf(events: readonly Change[]) {
  return events
    .flatMap(({ at, fromState, toState }) =>
      at === undefined || toState === undefined
        ? []
        : [{ atMs: timestampMs(at), from: fromState, to: toState }],
    )
    .sort((a, b) => a.atMs - b.atMs);
}
