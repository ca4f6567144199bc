import type { Input } from "./command.ts";
import { type GivenInstant, isRelative, parseInstant } from "./instant.ts";
import type { NewInstants } from "./new-instants.ts";
import { serverNowMs } from "./server-clock.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

/** `--start`, `--end` and `--no-end` where the verb has them; start+2h counts from `--start`. */
export async function readInstants(session: Session, input: Input): Promise<NewInstants> {
  const startText = input.text("--start");
  const noEnd = input.flag("--end") === false;
  const endText = noEnd ? undefined : input.text("--end");
  const fromStart = endText?.startsWith("start+") === true;
  if (fromStart && startText === undefined)
    throw new UserError("--end start+… counts from --start, which is not given", { hint: "give an instant" });
  // Mistakes in the texts are found before the first call.
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
