import { setTimeout as sleep } from "node:timers/promises";
import type { Round } from "../round.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";
import { whileDown } from "./down.ts";
import { part, proveUnknownAndRebuilt, winnersOf } from "./proofs.ts";

/** Callers that ask in the same moment: more than a limit of 150 a second lets through. */
const AT_ONCE = 220;
/** Each asks so often, one request after the other: far more than a limit of 20 in 10 s lets through. */
const ASKS = 45;
const WINNERS = 3;

/** Callers are over a limit. */
export const limitedRounds: readonly Round[] = [
  {
    // No fault: a winner's coupon is not kept back, whatever limit its user is over, while coupons are left
    // and when none is.
    name: "winners-over-their-limit",
    ground: { env: { LIMIT_USER: "20/10" } },
    async act(sale) {
      await part(sale, 0.3);
      await askOverTheLimit(sale);
      await sale.untilTrue("it is sold out", async () => (await sale.recorded()).state === "SOLD_OUT");
      await askOverTheLimit(sale);
    },
    async after(sale) {
      sale.prove("over_the_limit", await overTheLimit(sale), WINNERS * (ASKS / 2));
    },
  },
  {
    // A server that has just started does not know the campaign yet, while its callers are over the limit
    // that all servers count together: it gives the winners their coupons all the same.
    name: "winners-over-their-limit-at-a-new-server",
    ground: { env: { LIMIT_USER: "20/60", LIMITS_SHARED: "on" } },
    act: (sale) => sale.untilTrue("it is sold out", async () => (await sale.recorded()).state === "SOLD_OUT"),
    // After the last answer: a request within the limits would tell the new server about the campaign.
    async after(sale) {
      await sale.server(1).kill();
      await sale.server(1).start();
      sale.faultOver();
      const before = await overTheLimit(sale);
      for (const winner of winnersOf(sale).slice(-WINNERS)) {
        await askOften(sale, winner, 0);
        await askForNone(sale, winner, 1);
        await askOften(sale, winner, 1);
      }
      sale.prove("over_the_limit_at_the_new_server", (await overTheLimit(sale)) - before, WINNERS);
    },
  },
  {
    // Callers have one address, whose limit the servers share in this Redis.
    name: "kill-redis-limited",
    // In a cluster the limits are on other nodes, too.
    forms: ["single", "sentinel"],
    ground: { env: { LIMIT_ADDRESS: "150/1", LIMITS_SHARED: "on" } },
    async act(sale) {
      await part(sale, 0.2);
      await whileDown(sale, "redis", () => sleep(200));
      const alone = sale.ground.logLines.filter((line) => line.includes("limits are not shared"));
      sale.prove("counted_alone", alone.length);
      // On a busy machine callers come so slowly that all are within the limit; so many at once are over it.
      await part(sale, 0.5);
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => sale.ask(`${USER_PREFIX}at-once-${i}`)));
    },
    async after(sale) {
      sale.prove("rate_limited", sale.refused("RATE_LIMITED"));
      await proveUnknownAndRebuilt(sale);
    },
  },
];

/** How many requests the servers have counted that were over the limit of their user. */
function overTheLimit(sale: Sale): Promise<number> {
  return sale.metric("coupon_over_limit_total", 'by="user"');
}

/** The last winners ask one server, and then the other: from the first answer on, each must be the coupon. */
async function askOverTheLimit(sale: Sale): Promise<void> {
  const winners = winnersOf(sale).slice(-WINNERS);
  for (const server of [0, 1]) for (const winner of winners) await askOften(sale, winner, server);
}

/**
 * Asks for a coupon of a campaign that does not exist: a server lets the first request of a user through
 * without the other servers' count, and so the next one is over the limit.
 */
async function askForNone(sale: Sale, userId: string, server: number): Promise<void> {
  const answer = await fetch(new URL("/coupon.v1.CouponService/IssueCoupon", sale.server(server).url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ campaignId: "0".repeat(26), userId }),
  });
  await answer.body?.cancel();
  sale.prove("campaign_unknown", answer.status === 404 ? 1 : 0);
}

/** Ends with the first request that is refused. */
async function askOften(sale: Sale, winner: string, server: number): Promise<void> {
  const before = sale.history.length;
  for (let asks = 0; asks < ASKS; asks += 1) {
    await sale.ask(winner, server);
    const refused = sale.history
      .slice(before)
      .find(({ claimKey, outcome }) => claimKey === winner && outcome.kind === "refused");
    if (refused?.outcome.kind !== "refused") continue;
    sale.found("U7", `${winner} has its coupon and is refused: ${refused.outcome.reason}`);
    return;
  }
}
