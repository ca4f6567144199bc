import { connectedTo } from "./actions.ts";
import { call } from "./call.ts";
import type { Candidate } from "./completions.ts";
import { printable, stateName } from "./render.ts";
import type { LocalSession } from "./session.ts";

const idsOffered = 100;

/** The ids of the newest campaigns, for shell completion. */
export async function campaignCandidates(session: LocalSession): Promise<Candidate[]> {
  const connected = await connectedTo(session);
  const page = await call(connected, (options) =>
    connected.campaigns.listCampaigns({ pageSize: idsOffered }, options),
  );
  return page.campaigns.map(({ id, state, name }) => ({
    value: id,
    about: `${stateName(state)} ${printable(name)}`,
  }));
}
