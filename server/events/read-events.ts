import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { invalid } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { typesMeant } from "../../events/event-types.ts";
import type { Wanted } from "../../events/log-reader.ts";
import { parseThreshold } from "../../events/thresholds.ts";
import { type Event, EventSchema } from "../../proto/gen/coupon/v1/event_pb.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import { type Clock, sleepUnless } from "../../runtime/clock.ts";
import { answerChannelIn, cutUnlessTaken } from "../http/answer-channel.ts";
import { throwIfGone } from "../rpc/caller-gone.ts";
import { createConcurrencyLimit } from "../rpc/concurrency-limit.ts";
import { operatorIn } from "../rpc/operator-gate.ts";
import { CODES_ROLE, denialOfRole } from "../rpc/operator-rights.ts";
import type { ReadingPace } from "../rpc/reading-pace.ts";
import { createRefuse } from "../rpc/refuse.ts";
import { validCount } from "../rpc/validation.ts";
import { createEventSources, type EventSource, type EventSourceDeps } from "./event-source.ts";
import { validEventCampaign, validThresholds, validTypes } from "./valid-sink.ts";

export type ReadEventsDeps = Omit<EventSourceDeps, "find"> & {
  readonly campaigns: Pick<Campaigns, "find">;
  readonly pace: ReadingPace;
  readonly reads: Pick<Breaker, "ask">;
  readonly clock: Clock;
  /** Fires when the server drains: streams end then; their callers can go on with the last page_token. */
  readonly draining: AbortSignal;
};

type ReadEvents = Pick<ServiceImpl<typeof EventService>, "listEvents" | "followEvents">;

const PAGE = { most: 1_000, whenZero: 100 } as const;
/** While the process serves callers, a page holds at most so many. */
const BUSY_PAGE = 100;
const LISTS_MAX = 16;
const FOLLOWERS_MAX = 20;
/** A stream whose caller takes nothing for so long is cut. */
const TAKEN_WITHIN_MS = 60_000;
/** How often a stream looks for news: while there are some, and so long after the last of them. */
const BUSY_LOOK_MS = 200;
const QUIET_LOOK_MS = 1_000;
const BUSY_FOR_MS = 5_000;
/** Without news, a message says so often that the stream goes on. */
const SAY_MS = 2_000;

/** What both requests have. */
type Asked = {
  readonly campaignId: string;
  readonly pageToken: string;
  readonly types: readonly string[];
  readonly thresholds: readonly string[];
  readonly fromNow: boolean;
};

/** The part of the events' service that returns events. */
export function createReadEvents(deps: ReadEventsDeps): ReadEvents {
  const { campaigns, pace, reads, clock, draining } = deps;
  const { refuse, orRefuse } = createRefuse(clock);
  const lists = createConcurrencyLimit(LISTS_MAX, "pages of events are being read", clock);
  const followers = createConcurrencyLimit(FOLLOWERS_MAX, "streams follow events", clock);
  const serverTime = () => timestampFromMs(clock.now());

  async function find(campaignId: string) {
    const found = await reads.ask(() => campaigns.find(campaignId));
    if (found === null) throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
    return found;
  }
  const sources = createEventSources({ ...deps, find });

  /** @throws where the operator may not see the events of these types */
  function wantedBy(asked: Asked, { values, method }: HandlerContext): Wanted {
    const given = orRefuse(validTypes(asked.types));
    const types = given?.flatMap((text) => typesMeant(text) ?? []);
    const thresholds = orRefuse(validThresholds(asked.thresholds));
    const hasCodes = types?.includes("coupon.issued") ?? true;
    const what = `${method.name} with issued coupons (types without coupon.issued)`;
    const denial = hasCodes ? denialOfRole(operatorIn(values), CODES_ROLE, what) : undefined;
    if (denial !== undefined) throw refuse(denial);
    return { types, thresholds: thresholds.flatMap((text) => parseThreshold(text) ?? []) };
  }

  async function open(asked: Asked): Promise<{ readonly source: EventSource; readonly token: string }> {
    const campaignId = orRefuse(validEventCampaign(asked.campaignId));
    if (asked.fromNow && asked.pageToken !== "")
      orRefuse(invalid("page_token", "must be empty where from_now is true"));
    const source = campaignId === undefined ? sources.ofAll : sources.ofCampaign(await find(campaignId));
    const token = orRefuse(source.start(asked.pageToken));
    return { source, token: asked.fromNow ? await source.end() : token };
  }

  /** Reads a page in the pace of this process, after what there is to bring up to date. */
  async function page(
    source: EventSource,
    token: string,
    limit: number,
    wanted: Wanted,
    signal: AbortSignal,
  ) {
    const size = { idle: limit, busy: Math.min(limit, BUSY_PAGE) };
    return pace.page(
      size,
      async (most) => {
        const isBehind = await source.advance(token);
        const read = await source.read(token, most, wanted);
        return { ...read, isAll: read.isAll && !isBehind };
      },
      signal,
    );
  }

  return {
    async listEvents(request, context) {
      const { most, whenZero } = PAGE;
      const limit = orRefuse(validCount("page_size", request.pageSize, 1, most, whenZero));
      const wanted = wantedBy(request, context);
      const { source, token } = await open(request);
      if (request.fromNow) return { events: [], nextPageToken: token, isAll: true, serverTime: serverTime() };
      const leave = lists.take();
      try {
        let read = await page(source, token, limit, wanted, context.signal);
        // Pages of events that nobody wants would be empty: they are passed over, for as long as it may take.
        while (read.events.length === 0 && !read.isAll && !draining.aborted)
          read = await page(source, read.next, limit, wanted, context.signal);
        const { next, isAll } = read;
        return { events: read.events.map(viewEvent), nextPageToken: next, isAll, serverTime: serverTime() };
      } finally {
        leave();
      }
    },

    async *followEvents(request, context) {
      const { most, whenZero } = PAGE;
      const limit = orRefuse(validCount("batch_size", request.batchSize, 1, most, whenZero));
      const wanted = wantedBy(request, context);
      const { signal, values } = context;
      const leave = followers.take();
      try {
        const opened = await open(request);
        const { source } = opened;
        let { token } = opened;
        const channel = answerChannelIn(values);
        const ends = AbortSignal.any([signal, draining]);
        let newsAtMs = clock.elapsed();
        // The first message comes at once: where it goes on is known then.
        let saidAtMs = Number.NEGATIVE_INFINITY;
        while (!signal.aborted) {
          if (draining.aborted)
            throw new ConnectError(
              "this server is stopping; go on with the last page_token",
              Code.Unavailable,
            );
          const { events, next, isAll } = await page(source, token, limit, wanted, signal);
          token = next;
          const nowMs = clock.elapsed();
          if (events.length > 0) newsAtMs = nowMs;
          if (events.length > 0 || nowMs - saidAtMs >= SAY_MS) {
            saidAtMs = nowMs;
            const taken = cutUnlessTaken(channel, TAKEN_WITHIN_MS, clock);
            try {
              yield { events: events.map(viewEvent), nextPageToken: token, serverTime: serverTime() };
            } finally {
              taken();
            }
          }
          const lookMs = clock.elapsed() - newsAtMs < BUSY_FOR_MS ? BUSY_LOOK_MS : QUIET_LOOK_MS;
          if (isAll) await sleepUnless(clock, lookMs, ends);
        }
        throwIfGone(signal);
      } finally {
        leave();
      }
    },
  };
}

function viewEvent(event: CloudEvent): Event {
  const { specversion, id, source, type, subject, time, datacontenttype, sequence, data } = event;
  return create(EventSchema, {
    ...{ specversion, id, source, type, subject, time, datacontenttype, sequence },
    data: data as unknown as NonNullable<Event["data"]>,
  });
}
