import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { WatchEvent } from "../../../proto/gen/coupon/v1/watch_pb.ts";

/** An event of the watched campaign, with a key that no other event of the list has. */
export type SeenEvent = { readonly key: string; readonly atMs: number; readonly event: WatchEvent };

/** The list keeps the latest. */
export const EVENTS_MAX = 500;

/**
 * The list with the events of a message. An event is in it once: those of the history by revision and text,
 * others by instant and text. A stream that was opened again tells once more what still matters, with the
 * instant at which it was found again: such an event is left out where the list's latest of its kind says
 * the same.
 */
export function withEvents(
  list: readonly SeenEvent[],
  events: readonly WatchEvent[],
  isFirstMessage: boolean,
): readonly SeenEvent[] {
  const keys = new Set(list.map(({ key }) => key));
  const added: SeenEvent[] = [];
  for (const event of events) {
    const atMs = event.at === undefined ? 0 : timestampMs(event.at);
    const key = `${event.revision ?? atMs} ${event.kind} ${event.text}`;
    if (keys.has(key)) continue;
    if (isFirstMessage && event.revision === undefined && saysAgain(list, event)) continue;
    keys.add(key);
    added.push({ key, atMs, event });
  }
  return added.length === 0 ? list : [...list, ...added].slice(-EVENTS_MAX);
}

function saysAgain(list: readonly SeenEvent[], { kind, text }: WatchEvent): boolean {
  return list.findLast(({ event }) => event.kind === kind)?.event.text === text;
}
