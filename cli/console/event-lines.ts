import { EventLevel } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { printable } from "../render.ts";
import { rfc3339In } from "../zone.ts";
import type { Model, ShownEvent } from "./model.ts";
import { type Look, painted, type Style, span } from "./spans.ts";
import { wrapped } from "./wrapping.ts";

const marks: Readonly<Record<number, string>> = {
  [EventLevel.WARNING]: "! ",
  [EventLevel.ALARM]: "!!",
};
const styles: Readonly<Record<number, Style>> = {
  [EventLevel.WARNING]: "yellow",
  [EventLevel.ALARM]: "red",
};

/**
 * A heading and the last events, the newest at the bottom, over more than one line where there is room; at
 * most `room` lines.
 */
export function eventLines({ events, zone }: Model, room: number, look: Look): string[] {
  if (room <= 1) return [];
  const shown = events.slice(Math.max(0, events.length - (room - 1)));
  // From the bottom up, because the newest events wrap first.
  let spare = room - 1 - shown.length;
  const lines = shown.toReversed().map((event) => {
    const style = styles[event.level];
    const its = wrapped(
      span(leadText(event, zone), style),
      [span(printable(event.text), style)],
      1 + spare,
      look,
    );
    spare -= its.length - 1;
    return its;
  });
  return [painted([span("events", "dim")], look), ...lines.toReversed().flat()];
}

/** "20:00:00 !! …": the mark shows the level without colours, too. */
export function eventText(event: ShownEvent, zone: string): string {
  return leadText(event, zone) + printable(event.text);
}

function leadText({ atMs, level }: ShownEvent, zone: string): string {
  return `${rfc3339In(atMs, zone).slice(11, 19)} ${marks[level] ?? "  "} `;
}
