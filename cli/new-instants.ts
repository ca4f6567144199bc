import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { GivenInstant } from "./instant.ts";
import { countdown, instantText } from "./render.ts";
import type { Session } from "./session.ts";

/**
 * The instants that the operator gives to a verb, read together: relative ones count from one reading of the
 * server's clock.
 */
export interface NewInstants {
  readonly start: GivenInstant | undefined;
  readonly end: GivenInstant | undefined;
  readonly noEnd: boolean;
  /** The server's clock at that reading; undefined: no instant was relative. */
  readonly serverMs: number | undefined;
}

/** The zones that the operator named, each once: instants are shown on their clocks too. */
export function namedZones(instants: Pick<NewInstants, "start" | "end"> | undefined): string[] {
  const zones = [instants?.start?.zone, instants?.end?.zone];
  return [...new Set(zones)].filter((zone) => zone !== undefined);
}

/** The fields of a change's request for the end. */
export function endFields({ end, noEnd }: NewInstants) {
  return { noEnd, ...(end === undefined ? {} : { endsAt: timestampFromMs(end.epochMs) }) };
}

/**
 * Prints the instants in full before anything is sent: so a wrong zone or year is noticed while it is only a
 * typing error. With the server's clock it also prints the time left until the start, because a wrong year in
 * a date is easily overlooked.
 */
export function sayInstants(session: Session, instants: NewInstants, serverMs: number | undefined): void {
  const { start, end, noEnd } = instants;
  const { zone } = session.settings;
  const said: string[] = [];
  if (start !== undefined) {
    said.push(`opens at ${instantText(start.epochMs, zone, start.zone)}${distance(start.epochMs, serverMs)}`);
  }
  if (end !== undefined) said.push(`ends at ${instantText(end.epochMs, zone, end.zone ?? start?.zone)}`);
  else if (noEnd) said.push("never ends");
  if (said.length > 0) session.output.note(said.join("; "));
}

/** A start nearer than this counts as now: it was given as "now", and the calls since then took some time. */
const nowMs = 1_000;

function distance(epochMs: number, serverMs: number | undefined): string {
  if (serverMs === undefined) return "";
  if (Math.abs(epochMs - serverMs) < nowMs) return ", which is now";
  return epochMs < serverMs
    ? `, which was ${countdown(serverMs - epochMs)} ago`
    : `, in ${countdown(epochMs - serverMs)}`;
}
