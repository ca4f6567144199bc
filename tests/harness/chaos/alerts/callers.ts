import { setTimeout as sleep } from "node:timers/promises";
import { createHttpClient } from "../../../../callers/http-client.ts";
import type { Server } from "../ground/server.ts";
import { USER_PREFIX } from "../sale.ts";

/** Callers who ask once and leave with whatever answer they get, so that a round decides how many fail. */
export type Callers = {
  /** So many new callers, a few at a time; returns how many got a coupon. */
  ask(count: number): Promise<number>;
  /** New callers without a pause, until the returned function is called. */
  keepAsking(): () => Promise<void>;
  /** Asks each server until it gives a coupon, a few times a second. */
  untilServed(deadlineMs: number): Promise<void>;
  close(): void;
};

/** Longer than any deadline of the service: a caller that leaves before its answer is counted by no alert. */
const TRY_TIMEOUT_MS = 15_000;
const AT_ONCE = 12;
/** What each of those who keep coming waits after its answer. */
const PAUSE_MS = 20;
const POLL_MS = 250;

export function openCallers(campaignId: string, servers: readonly Server[]): Callers {
  const clients = servers.map(({ url }) => createHttpClient(url, AT_ONCE));
  let asked = 0;

  async function askOnce(server = asked): Promise<boolean> {
    asked += 1;
    const client = clients[server % clients.length];
    const answer = await client?.ask(campaignId, `${USER_PREFIX}caller-${asked}`, TRY_TIMEOUT_MS);
    return answer?.outcome.kind === "issued";
  }

  return {
    async ask(count) {
      let left = count;
      let issued = 0;
      const oneAfterAnother = async () => {
        while (left > 0) {
          left -= 1;
          if (await askOnce()) issued += 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, oneAfterAnother));
      return issued;
    },
    keepAsking() {
      let isOver = false;
      const oneAfterAnother = async () => {
        while (!isOver) {
          await askOnce();
          await sleep(PAUSE_MS);
        }
      };
      const all = Promise.all(Array.from({ length: AT_ONCE }, oneAfterAnother));
      return async () => {
        isOver = true;
        await all;
      };
    },
    async untilServed(deadlineMs) {
      const endsAtMs = performance.now() + deadlineMs;
      for (const index of clients.keys()) {
        while (!(await askOnce(index))) {
          if (performance.now() > endsAtMs) throw new Error(`server ${index} gives no coupon`);
          await sleep(POLL_MS);
        }
      }
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}
