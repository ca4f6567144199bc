import { setTimeout as sleep } from "node:timers/promises";
import { type HistoryEntry, stamp } from "../../../audit/history.ts";
import { createHttpClient } from "../../../callers/http-client.ts";
import { isDefinite } from "../../../callers/press.ts";
import type { Random } from "../../../callers/random.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";

/** Many callers that ask for a coupon, at all servers, until they are stopped. */
export type Callers = {
  readonly history: readonly HistoryEntry[];
  /** Shortens the pauses between requests from now on. */
  hurry(): void;
  /**
   * Waits for all answers; then each caller without a definite answer asks until it has one, and some others
   * ask again.
   */
  stop(): Promise<void>;
  close(): void;
};

export type CallersOptions = {
  readonly urls: readonly string[];
  readonly campaignId: string;
  readonly random: Random;
};

const ASKING = 24;
const PAUSE_MOST_MS = 80;
const TRY_TIMEOUT_MS = 8_000;
/** The share of requests by callers with a coupon: each must keep it, in every state of the campaign. */
const WINNER_AGAIN = 0.2;
const REFUSED_AGAIN = 0.4;
const ASK_IN_THE_END = 60;
const TRIES_IN_THE_END = 20;

export function startCallers({ urls, campaignId, random }: CallersOptions): Callers {
  const clients = urls.map((url) => createHttpClient(url, ASKING));
  const history: HistoryEntry[] = [];
  const winners: string[] = [];
  const isWinner = new Set<string>();
  const refused: string[] = [];
  const unsure = new Set<string>();
  let number = 0;
  let stopping = false;
  let pauseMostMs = PAUSE_MOST_MS;

  async function ask(claimKey: string): Promise<void> {
    const client = clients[Math.floor(random() * clients.length)];
    if (client === undefined) throw new Error("there is no server to ask");
    const invoked = stamp();
    const { outcome } = await client.ask(campaignId, claimKey, TRY_TIMEOUT_MS);
    const answered = stamp();
    history.push({
      ...{ claimKey, outcome, invokedAtMs: invoked.atMs, answeredAtMs: answered.atMs },
      ...{ invokedOrder: invoked.order, answeredOrder: answered.order },
    });
    unsure.delete(claimKey);
    if (!isDefinite(outcome)) unsure.add(claimKey);
    else if (outcome.kind === "refused") refused.push(claimKey);
    else if (!isWinner.has(claimKey)) {
      isWinner.add(claimKey);
      winners.push(claimKey);
    }
  }

  const anyOf = (keys: readonly string[]) => keys[Math.floor(random() * keys.length)];

  function nextKey(): string {
    const [first] = unsure;
    if (first !== undefined && random() < 0.5) return first;
    const kind = random();
    const known = kind < WINNER_AGAIN ? anyOf(winners) : undefined;
    const again = kind < WINNER_AGAIN + REFUSED_AGAIN ? anyOf(refused) : undefined;
    return known ?? again ?? `${KEY_PREFIX}${number++}`;
  }

  const asking = Promise.all(
    Array.from({ length: ASKING }, async () => {
      while (!stopping) {
        await ask(nextKey());
        await sleep(random() * pauseMostMs);
      }
    }),
  );
  // `stop` awaits the promise and gets the error.
  asking.catch(() => undefined);

  return {
    history,
    hurry() {
      pauseMostMs = PAUSE_MOST_MS / 4;
    },
    async stop() {
      stopping = true;
      await asking;
      for (let tries = 0; unsure.size > 0 && tries < TRIES_IN_THE_END; tries++)
        await Promise.all([...unsure].map(ask));
      const some = Array.from({ length: ASK_IN_THE_END }, () => anyOf(random() < 0.5 ? winners : refused));
      await Promise.all(some.map((claimKey) => (claimKey === undefined ? undefined : ask(claimKey))));
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}
