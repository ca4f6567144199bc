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

/** What the last preflight said, or why there is none. */
export type Readiness = { readonly askedMs: number } & (
  | { readonly colour: PreflightColour; readonly lines: readonly PreflightLine[] }
  | { readonly failed: string }
);

export interface Broken {
  readonly why: string;
  /** When it is tried again: "again in 0.5 s". */
  readonly again: string;
}

/**
 * Everything the console knows; what is drawn is made of it and nothing else. Its moments are on this
 * machine's own steady clock.
 */
export interface Model {
  readonly url: string;
  readonly campaignId: string;
  readonly zone: string;
  /** Between two messages. */
  readonly intervalMs: number;
  /** The last message; undefined: none has come yet. */
  readonly message: WatchCampaignResponse | undefined;
  /** All changes up to this one are told; undefined: not known yet. */
  readonly revision: number | undefined;
  /** When it came. */
  readonly arrivedMs: number;
  /** Coupons per second, oldest first, one for each message. */
  readonly rates: readonly number[];
  readonly peakRate: number;
  /** Newest last. */
  readonly events: readonly ShownEvent[];
  /** Why nothing comes at the moment; undefined: connected. */
  readonly broken: Broken | undefined;
  /** undefined: nobody has asked yet. */
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

/** What a message adds. Of a stream that was opened again, the first message has no rate yet. */
export function withMessage(model: Model, message: WatchCampaignResponse, nowMs: number): Model {
  const serverMs = epochMsOf(message.serverTime) ?? 0;
  const isFirst = model.message === undefined || model.broken !== undefined;
  // The first message of a new stream also tells what was before: of that, what is known already is left out.
  // Of changes it tells those that were not told.
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

/** The stream broke; the first break of a row is an event. */
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

/** Something that the console itself has to say; said twice in a row it is said once. */
export function withWord(model: Model, text: string, nowMs: number): Model {
  if (model.events.at(-1)?.text === text) return model;
  const word = { atMs: serverNowMs(model, nowMs), level: EventLevel.INFO, text };
  return { ...model, events: [...model.events, word].slice(-eventsMax) };
}

/** The server's clock now, going on from when it was last told. */
export function serverNowMs({ message, arrivedMs }: Model, nowMs: number): number {
  return (epochMsOf(message?.serverTime) ?? 0) + (message === undefined ? 0 : nowMs - arrivedMs);
}

/** The connection is back; where the server does not tell what became of the campaign meanwhile, it shows. */
function returned({ message: last }: Model, message: WatchCampaignResponse, atMs: number): ShownEvent[] {
  if (last === undefined) return [];
  const event = (text: string): ShownEvent => ({ atMs, level: EventLevel.INFO, text });
  const [was, is] = [last.campaign?.state, message.campaign?.state];
  const isTold = message.events.some(({ toState }) => toState !== undefined);
  if (was === undefined || is === undefined || was === is || isTold) return [event("connected again")];
  return [event(`connected again; meanwhile ${stateName(was)} → ${stateName(is)}`)];
}
