import { EventLevel } from "../../proto/gen/coupon/v1/watch_pb.ts";
import { printable } from "../render.ts";
import { rfc3339In } from "../zone.ts";
import type { Model, ShownEvent } from "./model.ts";
import { type Look, painted, type Style, span } from "./spans.ts";

const marks: Readonly<Record<number, string>> = {
  [EventLevel.WARNING]: "! ",
  [EventLevel.ALARM]: "!!",
};
const styles: Readonly<Record<number, Style>> = {
  [EventLevel.WARNING]: "yellow",
  [EventLevel.ALARM]: "red",
};

/** A heading and the last events, the newest at the bottom; at most `room` lines. */
export function eventLines({ events, zone }: Model, room: number, look: Look): string[] {
  if (room <= 1) return [];
  const shown = events.slice(Math.max(0, events.length - (room - 1)));
  return [
    painted([span("events", "dim")], look),
    ...shown.map((event) => painted([span(eventText(event, zone), styles[event.level])], look)),
  ];
}

/** "20:00:00 !! …": a mark, so that it is seen without colour too. */
export function eventText({ atMs, level, text }: ShownEvent, zone: string): string {
  return `${rfc3339In(atMs, zone).slice(11, 19)} ${marks[level] ?? "  "} ${printable(text)}`;
}
