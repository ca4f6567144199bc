import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Input } from "./command.ts";
import { type GivenInstant, isRelative, parseInstant } from "./instant.ts";
import { countdown, instantText } from "./render.ts";
import { serverNowMs } from "./server-clock.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

/** The instants that a verb gives, read together: what is relative counts from one look at the server's clock. */
export interface NewInstants {
  readonly start: GivenInstant | undefined;
  readonly end: GivenInstant | undefined;
  readonly noEnd: boolean;
  /** The server's clock at that look; undefined: nothing was relative. */
  readonly serverMs: number | undefined;
}

/** `--start`, `--end` and `--no-end` where the verb has them; start+2h counts from `--start`. */
export async function readInstants(session: Session, input: Input): Promise<NewInstants> {
  const startText = input.text("--start");
  const noEnd = input.flag("--end") === false;
  const endText = noEnd ? undefined : input.text("--end");
  const fromStart = endText?.startsWith("start+") === true;
  if (fromStart && startText === undefined)
    throw new UserError("--end start+… counts from --start, which is not given", { hint: "give an instant" });
  // Mistakes in the texts are found before the network is asked.
  if (startText !== undefined) parseInstant(startText, 0, "--start");
  if (endText !== undefined) parseInstant(fromStart ? endText.slice(5) : endText, 0, "--end");
  const relative = [startText, endText].some((text) => text !== undefined && isRelative(text));
  const serverMs = relative ? await serverNowMs(session) : undefined;
  const start = startText === undefined ? undefined : parseInstant(startText, serverMs ?? 0, "--start");
  let end: GivenInstant | undefined;
  if (endText !== undefined && fromStart) end = parseInstant(endText.slice(5), start?.epochMs ?? 0, "--end");
  else if (endText !== undefined) end = parseInstant(endText, serverMs ?? 0, "--end");
  if (start !== undefined && end !== undefined && end.epochMs <= start.epochMs) {
    throw new UserError("--end is not after --start", { hint: "--end start+2h counts from --start" });
  }
  return { start, end, noEnd, serverMs };
}

/** The zones that the operator named, each once: instants are shown on their clocks too. */
export function namedZones(instants: Pick<NewInstants, "start" | "end"> | undefined): string[] {
  const zones = [instants?.start?.zone, instants?.end?.zone];
  return [...new Set(zones)].filter((zone) => zone !== undefined);
}

/** The end as a change carries it. */
export function endFields({ end, noEnd }: NewInstants) {
  return { noEnd, ...(end === undefined ? {} : { endsAt: timestampFromMs(end.epochMs) }) };
}

/**
 * Says the instants in full before anything is sent: the last moment at which a wrong zone or year is only a typing error. With the server's
 * clock also how far away the start is, because a date alone does not tell that it is next year's.
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

/** Nearer than this is now: "now" was asked for, and the asking took its time. */
const nowMs = 1_000;

function distance(epochMs: number, serverMs: number | undefined): string {
  if (serverMs === undefined) return "";
  if (Math.abs(epochMs - serverMs) < nowMs) return ", which is now";
  return epochMs < serverMs
    ? `, which was ${countdown(serverMs - epochMs)} ago`
    : `, in ${countdown(epochMs - serverMs)}`;
}
