import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { answerOf, type Held, isUncertain } from "./answers.ts";
import type { Clients } from "./clients.ts";
import { HANG_MS } from "./patience.ts";
import { KEY_PREFIX } from "./quiet-logs.ts";

/** The pause of a caller between two coupons: the sale has to last longer than the faults. */
const PAUSE_MS = 20;

/**
 * Callers that ask for one user after another, each until a definite answer, at the servers in turn, until
 * all is sold.
 */
export function sellOut(clients: readonly Clients[], campaignId: string, callers: number) {
  const acknowledged = new Map<string, Held>();
  let user = 0;
  let uncertain = 0;
  let soldOut = false;
  const caller = async (_: unknown, number: number) => {
    for (let turn = number; !soldOut; turn += 1) {
      const userId = `${KEY_PREFIX}${user++}`;
      const definite = await until(
        async () => {
          const { coupons } = clients[turn % clients.length] as Clients;
          const answer = await answerOf(() => coupons.issueCoupon({ campaignId, userId }));
          if (answer.kind === "coupon") acknowledged.set(userId, answer.held);
          else if (isUncertain(answer)) uncertain += 1;
          else soldOut = answer.refused.reason === "SOLD_OUT";
          return answer.kind === "coupon" || soldOut;
        },
        HANG_MS,
        PAUSE_MS,
      );
      if (!definite) throw new Error(`${userId} got no definite answer`);
      await sleep(PAUSE_MS);
    }
  };
  const over = Promise.all(Array.from({ length: callers }, caller));
  return {
    acknowledged,
    uncertain: () => uncertain,
    over,
    async untilIssued(count: number): Promise<void> {
      let isOver = false;
      const end = (): void => {
        isOver = true;
      };
      over.then(end, end);
      const isMet = await until(() => acknowledged.size >= count || isOver, HANG_MS);
      expect(isMet, `${count} issued`).to.equal(true);
    },
  };
}
