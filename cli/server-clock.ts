import { call } from "./call.ts";
import { epochMsOf } from "./render.ts";
import type { Session } from "./session.ts";

/** The server's clock: "+10m" on a machine with a wrong clock must still mean ten minutes from now. */
export async function serverNowMs(session: Session): Promise<number> {
  const answer = await call(session, (options) => session.campaigns.listCampaigns({ pageSize: 1 }, options));
  return epochMsOf(answer.serverTime) ?? Date.now();
}

const asksOfTheClock = 5;

/** The server's clock minus this machine's, with its uncertainty; an offset within that counts as 0. */
export async function serverClock(session: Session): Promise<{ offsetMs: number; uncertaintyMs: number }> {
  let best = { offsetMs: 0, uncertaintyMs: Number.POSITIVE_INFINITY };
  for (let i = 0; i < asksOfTheClock; i++) {
    const beganMs = performance.now();
    const serverMs = await serverNowMs(session);
    const halfMs = (performance.now() - beganMs) / 2;
    // The server's clock comes in whole milliseconds.
    const uncertaintyMs = halfMs + 1;
    if (uncertaintyMs < best.uncertaintyMs)
      best = { offsetMs: serverMs - (Date.now() - halfMs), uncertaintyMs };
  }
  return Math.abs(best.offsetMs) <= best.uncertaintyMs ? { ...best, offsetMs: 0 } : best;
}
