import { counted, grouped, isOrAre } from "../../runtime/counting.ts";
import { alive } from "./check-processes.ts";
import type { Facts } from "./facts.ts";
import { amber, duration, green, type Judged, red } from "./line.ts";

/** Codes that one generator makes in a second on a slow machine: the remaining time is estimated from it. */
const CODES_A_SECOND = 20_000;
/** The estimate is multiplied by this, for safety. */
const PATIENCE = 3;

export function checkStart({ nowMs, campaign, pool }: Facts): Judged {
  const { state, startsAtMs, endsAtMs } = campaign;
  const at = new Date(startsAtMs).toISOString();
  if (state === "SOLD_OUT" || state === "ENDED" || state === "CANCELLED")
    return red(`the campaign is ${state}: nothing more opens`, "create another one");
  if (endsAtMs !== undefined && endsAtMs <= nowMs)
    return red(
      `its end, ${new Date(endsAtMs).toISOString()}, has passed`,
      "move the end, or create another one",
    );
  if (state === "PAUSED")
    return red("the campaign is paused: it does not open at its start", "resume it before the start");
  const opened = pool.ok && pool.value.armedAtMs > 0;
  if (state === "OPEN" || opened) {
    const since = pool.ok && opened ? ` since ${new Date(pool.value.armedAtMs).toISOString()}` : "";
    return green(`it is open${since}`);
  }
  if (startsAtMs > nowMs) return green(`opens in ${duration(startsAtMs - nowMs)}, at ${at}`);
  return amber(
    `its start, ${at}, passed ${duration(nowMs - startsAtMs)} ago and it has not opened`,
    "the next tick of a scheduler or the first claim opens it; if neither does, look at the lines below",
  );
}

/** A generous estimate of how long so many codes take to make, in ms. */
export const makingMs = (codes: number): number => (codes / CODES_A_SECOND) * 1_000 * PATIENCE + 1_000;

export function checkCodes({ nowMs, campaign, processes }: Facts): Judged {
  const { total, generated, startsAtMs } = campaign;
  const finding = `${grouped(generated)} of ${counted(total, "code")} ${isOrAre(total)} made`;
  if (generated >= total) return green(finding);
  const generators = processes.ok ? alive(processes.value, "generator").length : 0;
  if (generators === 0)
    return red(`${finding}, and no generator sends heartbeats`, "start a process with the generator role");
  const needsMs = makingMs(total - generated);
  const about = `about ${duration(needsMs)} are needed`;
  if (nowMs + needsMs > startsAtMs)
    return red(`${finding}; ${about}`, "move the start, or wait and look again");
  return amber(`${finding}; ${about}`, "wait and look again");
}
