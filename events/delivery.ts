import type { Campaigns } from "../record/campaigns.ts";
import type { DeadLetters } from "../record/dead-letters.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { Failing, SinkDoc } from "../record/event-documents.ts";
import type { SinkCursors } from "../record/sink-cursors.ts";
import type { Sinks } from "../record/sinks.ts";
import type { Clock } from "../runtime/clock.ts";
import { limitedSignal } from "../runtime/limited-signal.ts";
import type { Logger } from "../runtime/logger.ts";
import type { CloudEvent, EventPlace } from "./cloud-event.ts";
import type { DeliveryPace } from "./delivery-pace.ts";
import type { Feed } from "./feed.ts";
import { LOG_START, type LogReader, type Wanted } from "./log-reader.ts";
import { batchAfter, GIVE_UP_AFTER_MS, retryDelayMs, untilPlannedMs } from "./retry-plan.ts";
import { DeliveryFailed, type Sink } from "./sink.ts";
import type { SinkFigures } from "./sink-figures.ts";

/** A sink that this process delivers to. */
export type SinkAtWork = {
  readonly doc: SinkDoc;
  readonly sink: Sink;
  readonly wanted: Wanted;
  /** False: its lease may be another process's by now. */
  readonly holds: () => boolean;
  /** Aborted when this process stops to deliver to it. */
  readonly signal: AbortSignal;
};

/**
 * The outcome of one step. `again`: there may be more; `idle`: nothing to do, and whether there was just now;
 * `wait`: the sink has failed; `done`: all events of the campaign were delivered, and more come only with
 * another revision; `lost`: another process delivers to the sink.
 */
export type Step =
  | { readonly kind: "again" | "lost" }
  | { readonly kind: "idle"; readonly state: CampaignDoc["state"] }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "done"; readonly revision: number };

/** Delivers the events of one campaign to one sink, a batch a step; steps follow each other. */
export type Delivery = () => Promise<Step>;

export type DeliveryDeps = {
  readonly campaigns: Pick<Campaigns, "find">;
  readonly feed: Feed;
  readonly logReader: LogReader;
  readonly sinks: Pick<Sinks, "retire">;
  readonly cursors: SinkCursors;
  readonly deadLetters: Pick<DeadLetters, "add">;
  readonly figures: SinkFigures;
  readonly pace: DeliveryPace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly batchMax: number;
  readonly deliveryDeadlineMs: number;
};

/** Another process writes the log, for another reader. */
const BUSY_LOG_MS = 200;
/** The longest text of an error that is kept. */
const ERROR_MAX = 300;

const padded = (place: number) => String(place).padStart(8, "0");

export function createDelivery(
  deps: DeliveryDeps,
  { doc, sink, wanted, holds, signal }: SinkAtWork,
  campaignId: string,
): Delivery {
  const { campaigns, feed, logReader, sinks, cursors, deadLetters, figures, pace, clock, logger, random } =
    deps;
  const { _id: name, key, term } = doc;
  const of = { key, campaignId, term };
  let place: EventPlace = LOG_START;
  let failing: Failing | undefined;
  let isRead = false;

  /** Where the last process that delivered to the sink has left off. */
  async function readCursor(): Promise<void> {
    const cursor = await cursors.find(key, campaignId);
    if (cursor !== null) place = { n: cursor.n, index: cursor.index };
    failing = cursor?.failing;
    // An operator has changed or resumed the sink since it failed, and so wants it tried at once.
    const failedAt = cursor?.lastError?.at;
    if (failing !== undefined && failedAt !== undefined && (doc.changed?.at ?? 0) > failedAt)
      failing = { ...failing, nextAt: failedAt };
    isRead = true;
  }

  async function moveOn(next: EventPlace, delivered: number, doneRevision?: number): Promise<boolean> {
    const isMoved = next.n !== place.n || next.index !== place.index || failing !== undefined;
    if (!isMoved && doneRevision === undefined) return true;
    if (!(await cursors.moveOn(of, next, delivered, doneRevision))) return false;
    place = { n: next.n, index: next.index };
    failing = undefined;
    return true;
  }

  /** The sink has not taken these events: there is a next attempt, or they are put aside. */
  async function fail(events: readonly CloudEvent[], next: EventPlace, error: unknown): Promise<Step> {
    if (signal.aborted || !holds()) return { kind: "lost" };
    const nowMs = clock.now();
    const { attempts: before = 0, since = new Date(nowMs) } = failing ?? {};
    const attempts = before + 1;
    const text = errorText(error);
    figures.failed(name);
    if (error instanceof DeliveryFailed && error.isGone) {
      await sinks.retire(key, text);
      logger.error(
        { sink: name, campaign: campaignId, err: error },
        "a receiver is gone: its sink is paused",
      );
      return { kind: "lost" };
    }
    if (nowMs - since.getTime() >= GIVE_UP_AFTER_MS) {
      const told = { since, attempts, error: text };
      await deadLetters.add({
        // Padded: their list is in the order of the events of a campaign.
        ...{
          _id: `${key}/${campaignId}/${padded(place.n)}-${padded(place.index)}`,
          key,
          sink: name,
          campaignId,
        },
        ...{ from: place, to: next, events: events.length, firstId: events[0]?.id ?? "" },
        ...{ failing: told, at: new Date(nowMs) },
      });
      logger.error(
        { sink: name, campaign: campaignId, events: events.length, err: error },
        "events are put aside",
      );
      return (await moveOn(next, 0)) ? { kind: "again" } : { kind: "lost" };
    }
    const askedMs = error instanceof DeliveryFailed ? (error.retryAfterMs ?? 0) : 0;
    const ms = retryDelayMs(attempts, askedMs, random);
    if (failing === undefined)
      logger.warn(
        { sink: name, campaign: campaignId, err: error },
        "a sink does not take events; it is tried again",
      );
    failing = { since, attempts, nextAt: new Date(nowMs + ms), error: text };
    return (await cursors.fail(of, place, failing, new Date(nowMs)))
      ? { kind: "wait", ms }
      : { kind: "lost" };
  }

  return async () => {
    if (!isRead) await readCursor();
    const waitMs = untilPlannedMs(failing?.nextAt.getTime() ?? 0, clock.now());
    if (waitMs > 0) return { kind: "wait", ms: waitMs };
    const campaign = await campaigns.find(campaignId);
    if (campaign === null) return { kind: "done", revision: -1 };
    const told = await pace.run(() => feed.advance(campaign));
    const limit = batchAfter(failing?.attempts ?? 0, Math.min(deps.batchMax, sink.eventsMax ?? Infinity));
    const read = await pace.run(() => logReader.read(campaign, place, limit, wanted));
    const { events, next, isAll } = read;
    figures.reached(name, campaignId, events[0]?.time);
    if (!holds()) return { kind: "lost" };
    if (events.length > 0) {
      try {
        await pace.run(() => deliverWithin(sink, events, deps.deliveryDeadlineMs, signal));
      } catch (error) {
        return await fail(events, next, error);
      }
      figures.delivered(name, events.length);
    }
    const doneRevision = isAll && told === "complete" ? (campaign.revision ?? 0) : undefined;
    if (!(await moveOn(next, events.length, doneRevision))) return { kind: "lost" };
    if (isAll) figures.reached(name, campaignId, undefined);
    if (doneRevision !== undefined) return { kind: "done", revision: doneRevision };
    if (!isAll || told === "behind" || told === "written") return { kind: "again" };
    if (told === "busy") return { kind: "wait", ms: BUSY_LOG_MS };
    return { kind: "idle", state: campaign.state };
  };
}

/** A failure in words, as operators read it. */
export function errorText(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, ERROR_MAX);
}

/** @throws where the receiver does not take them within the deadline */
export async function deliverWithin(
  sink: Sink,
  events: readonly CloudEvent[],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const limited = limitedSignal(deadlineMs, signal);
  try {
    await sink.deliver(events, limited.signal);
  } catch (error) {
    // A sink that knows why there is no answer has said so.
    if (!limited.isLate() || error instanceof DeliveryFailed) throw error;
    throw new DeliveryFailed(`no answer within ${deadlineMs} ms`, { cause: error });
  } finally {
    limited.clear();
  }
}
