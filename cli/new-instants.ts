import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Input } from "./command.ts";
import { type GivenInstant, isRelative, parseInstant } from "./instant.ts";
import { serverNowMs } from "./server-clock.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

/** The instants that a change gives, read together: what is relative counts from one look at the server's clock. */
export interface NewInstants {
  readonly start: GivenInstant | undefined;
  readonly end: GivenInstant | undefined;
  readonly noEnd: boolean;
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
  const serverMs = relative ? await serverNowMs(session) : 0;
  const start = startText === undefined ? undefined : parseInstant(startText, serverMs, "--start");
  let end: GivenInstant | undefined;
  if (endText !== undefined && fromStart) end = parseInstant(endText.slice(5), start?.epochMs ?? 0, "--end");
  else if (endText !== undefined) end = parseInstant(endText, serverMs, "--end");
  return { start, end, noEnd };
}

/** The end as a change carries it. */
export function endFields({ end, noEnd }: NewInstants) {
  return { noEnd, ...(end === undefined ? {} : { endsAt: timestampFromMs(end.epochMs) }) };
}
