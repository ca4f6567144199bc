import { call } from "./call.ts";
import { epochMsOf } from "./render.ts";
import type { Session } from "./session.ts";

/** The server's clock: "+10m" on a laptop that is a minute off must not open a minute off. */
export async function serverNowMs(session: Session): Promise<number> {
  const answer = await call(session, (options) => session.campaigns.listCampaigns({ pageSize: 1 }, options));
  return epochMsOf(answer.serverTime) ?? Date.now();
}
