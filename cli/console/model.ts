import type {
  PreflightColour,
  PreflightLine,
  WatchCampaignResponse,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventLevel } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { epochMsOf, stateName } from "../render.ts";

export interface ShownEvent {
  /** On the server's clock. */
  readonly atMs: number;
  readonly level: number;
  readonly text: string;
}

/** The result of the last preflight, or why it failed. */
export type Readiness = { readonly askedMs: number } & (
  | { readonly colour: PreflightColour; readonly lines: readonly PreflightLine[] }
  | { readonly failed: string }
);

export interface Broken {
  readonly why: string;
  /** The time until the next try: "again in 0.5 s". */
  readonly again: string;
}

/**
 * The whole state of the console: the screen is drawn from it and nothing else. Its instants are on this
 * machine's monotonic clock.
 */
export interface Model {
  readonly url: string;
  readonly campaignId: string;
  readonly zone: string;
  /** The time between two messages. */
  readonly intervalMs: number;
  /** The last message; undefined: none has arrived yet. */
  readonly message: WatchCampaignResponse | undefined;
  /** All changes up to this revision were received; undefined: not yet reported. */
  readonly revision: number | undefined;
  /** When the last message arrived. */
  readonly arrivedMs: number;
  /** Coupons per second, oldest first, one for each message. */
  readonly rates: readonly number[];
  readonly peakRate: number;
  /** Newest last. */
  readonly events: readonly ShownEvent[];
  /** Why no messages arrive at the moment; undefined: connected. */
  readonly broken: Broken | undefined;
  /** undefined: no preflight has been requested yet. */
  readonly readiness: Readiness | undefined;
}

/** More than any terminal has columns, and lines. */
const ratesMax = 500;
const eventsMax = 200;

export function newModel(
  given: Pick<Model, "url" | "campaignId" | "zone" | "intervalMs" | "revision">,
): Model {
  return {
    ...given,
    ...{ message: undefined, arrivedMs: 0, rates: [], peakRate: 0, events: [] },
    ...{ broken: undefined, readiness: undefined },
  };
}

/** The model after a message. The first message of a stream that was opened again has no rate yet. */
export function withMessage(model: Model, message: WatchCampaignResponse, nowMs: number): Model {
  const serverMs = epochMsOf(message.serverTime) ?? 0;
  const isFirst = model.message === undefined || model.broken !== undefined;
  // The first message of a new stream also contains earlier events: those that the model has already are left
  // out. Of changes, it contains only those above the revision of the request.
  const known = new Set(isFirst ? model.events.map(({ text }) => text) : []);
  const isChange = (revision: number | undefined) => revision !== undefined && model.revision !== undefined;
  const told = message.events
    .filter(({ text, revision }) => isChange(revision) || !known.has(text))
    .map(({ at, level, text }) => ({ atMs: epochMsOf(at) ?? serverMs, level, text }));
  const back = model.broken === undefined ? [] : returned(model, message, serverMs);
  const events = [...model.events, ...back, ...told];
  const rates = isFirst ? model.rates : [...model.rates, message.issuedPerSecond].slice(-ratesMax);
  return {
    ...model,
    message,
    revision: message.revision ?? model.revision,
    arrivedMs: nowMs,
    rates,
    peakRate: isFirst ? model.peakRate : Math.max(model.peakRate, message.issuedPerSecond),
    events: events.slice(-eventsMax),
    broken: undefined,
  };
}

/** The model after the stream broke; only the first of several breaks in a row is an event. */
export function withBreak(model: Model, broken: Broken, nowMs: number): Model {
  const lost = {
    atMs: serverNowMs(model, nowMs),
    level: EventLevel.WARNING,
    text: `connection lost: ${broken.why}`,
  };
  const isNews = model.broken === undefined && model.message !== undefined;
  return {
    ...model,
    broken,
    events: (isNews ? [...model.events, lost] : model.events).slice(-eventsMax),
  };
}

/** The model with a message of the console itself; it is not repeated twice in a row. */
export function withWord(model: Model, text: string, nowMs: number): Model {
  if (model.events.at(-1)?.text === text) return model;
  const word = { atMs: serverNowMs(model, nowMs), level: EventLevel.INFO, text };
  return { ...model, events: [...model.events, word].slice(-eventsMax) };
}

/** The server's clock now: that of the last message, plus the time since it arrived. */
export function serverNowMs({ message, arrivedMs }: Model, nowMs: number): number {
  return (epochMsOf(message?.serverTime) ?? 0) + (message === undefined ? 0 : nowMs - arrivedMs);
}

/** The event of a new connection, with the change of state meanwhile where no other event has it. */
function returned({ message: last }: Model, message: WatchCampaignResponse, atMs: number): ShownEvent[] {
  if (last === undefined) return [];
  const event = (text: string): ShownEvent => ({ atMs, level: EventLevel.INFO, text });
  const [was, is] = [last.campaign?.state, message.campaign?.state];
  const isTold = message.events.some(({ toState }) => toState !== undefined);
  if (was === undefined || is === undefined || was === is || isTold) return [event("connected again")];
  return [event(`connected again; meanwhile ${stateName(was)} → ${stateName(is)}`)];
}
