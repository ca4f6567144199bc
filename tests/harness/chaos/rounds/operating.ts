import { connectClients } from "../../../../bench/load/connect-client.ts";
import type { Trap } from "../../../support/wire/proxy.ts";
import { judgeHistory } from "../../operators/judge-history.ts";
import { readChanges } from "../../operators/read-changes.ts";
import { OPERATOR_TOKEN } from "../ground/ground.ts";
import type { Server } from "../ground/server.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";
import { MOMENT_MS } from "./proofs.ts";

export type Campaigns = ReturnType<typeof connectClients>["campaigns"];

/** One call of an operator to a server. */
export async function operate<T>(server: Server, what: (campaigns: Campaigns) => Promise<T>): Promise<T> {
  const clients = connectClients(server.url, OPERATOR_TOKEN);
  try {
    return await what(clients.campaigns);
  } finally {
    clients.close();
  }
}

/**
 * An operator calls the first server, and the trap catches the change midway; the operator must get no
 * answer. The caller of this function then kills the server.
 */
export async function cutOff(
  sale: Sale,
  trap: Trap,
  what: (campaigns: Campaigns) => Promise<unknown>,
): Promise<void> {
  void operate(sale.server(0), what).then(
    () => sale.found("LIFE", "the operator was answered before the server died"),
    () => undefined,
  );
  await trap.sprung(MOMENT_MS);
}

export async function kill(sale: Sale): Promise<void> {
  await sale.server(0).kill();
  sale.faultOver();
}

export const metaOf = (sale: Sale) => sale.ground.raw.hGetAll(sale.keys.meta);
export const isFrozen = async (sale: Sale) => ((await metaOf(sale))["held"] === undefined ? 0 : 1);

/** Waits until the pool has the state that is on record, and is not held. */
export async function untilFollowed(sale: Sale, state: string): Promise<void> {
  await sale.untilTrue(`the pool is ${state}`, async () => {
    const meta = await metaOf(sale);
    return meta["held"] === undefined && meta["state"] === state;
  });
}

/** The other server returns the whole history, without a gap, with the change in it `times` times. */
export async function proveHistory(sale: Sale, verb: string, times: number): Promise<void> {
  const changes = await operate(sale.server(1), (campaigns) => readChanges(campaigns, sale.campaignId));
  const campaigns = sale.ground.db.collection<{ _id: string; openedAt?: Date }>("campaigns");
  const opened = (await campaigns.findOne({ _id: sale.campaignId }))?.openedAt;
  for (const words of judgeHistory(changes, opened?.getTime())) sale.found("LIFE", words);
  const made = changes.filter((change) => change.verb === verb).length;
  if (made !== times) sale.found("LIFE", `the history has ${verb} ${made} times, not ${times}`);
  sale.prove("changes", changes.length);
}

/** Lets new callers buy all coupons that are left: the campaign continues. */
export async function sellRest(sale: Sale): Promise<void> {
  const keys = Array.from({ length: sale.plan.total }, (_, i) => `${USER_PREFIX}later-${i}`);
  await Promise.all(keys.map((key) => sale.ask(key)));
}
