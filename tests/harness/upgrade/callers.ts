import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryEntry } from "../../../audit/history.ts";
import { createHttpClient } from "../../../callers/http-client.ts";
import { createPresser, isDefinite, type PressResult } from "../../../callers/press.ts";
import { type Random, seededRandom } from "../../../callers/random.ts";
import { inParallel } from "../../support/in-parallel.ts";
import { HANG_MS } from "../../support/patience.ts";
import type { Fleet } from "./fleet.ts";
import type { Product } from "./product.ts";

/** Users that ask at both servers for one campaign's coupons. */
export type Callers = {
  /**
   * Asks for new users, and now and then again for one that has a coupon or came too early, at least until
   * `step` is over.
   */
  during(step: () => Promise<unknown>): Promise<void>;
  /** Asks for so many new users as fast as it can, and for all that came too early. */
  rush(users: number): Promise<void>;
  readonly history: readonly HistoryEntry[];
  readonly users: () => number;
  /** Coupons told by each product in the last `during`. */
  readonly told: () => Readonly<Record<Product["name"], number>>;
  /** Users without a definite answer. */
  readonly unanswered: () => readonly string[];
  close(): void;
};

export type CallersPlan = {
  readonly fleet: Fleet;
  readonly campaignId: string;
  readonly prefix: string;
  /** The most new users of one step, so that coupons are left for the next. */
  readonly portion: number;
  readonly seed: number;
};

const SOCKETS = 32;
/** A step has at least so many users. */
const LEAST = 30;
/** About 50 presses a second. */
const EVERY_MS = 20;
const AGAIN = 0.2;
const TRY_TIMEOUT_MS = 15_000;

export function createCallers({ fleet, campaignId, prefix, portion, seed }: CallersPlan): Callers {
  const random: Random = seededRandom(seed);
  const urls = Object.values(fleet.urls);
  const clients = urls.map((url) => ({ url, ...createHttpClient(url, SOCKETS) }));
  const history: HistoryEntry[] = [];
  const winners: string[] = [];
  /** Users that were told to come back at the start. */
  let early: string[] = [];
  const unanswered = new Set<string>();
  let told = { old: 0, new: 0 };
  let users = 0;
  let turn = 0;

  const press = createPresser({
    // Each try goes to the next server: one that is being replaced refuses the connection.
    async ask(...asked) {
      const client = clients[turn++ % clients.length];
      if (client === undefined) throw new Error("there is no server");
      const { name } = fleet.at(client.url);
      const answer = await client.ask(...asked);
      if (answer.outcome.kind === "issued") told[name] += 1;
      return answer;
    },
    ...{ campaignId, triesInFlightMax: SOCKETS, tryTimeoutMs: TRY_TIMEOUT_MS, patienceMs: HANG_MS },
    random,
    record: (entry) => void history.push(entry),
  });

  async function pressFor(user: string): Promise<void> {
    const { outcome }: PressResult = await press(user);
    if (outcome.kind === "issued") winners.push(user);
    if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") early.push(user);
    if (!isDefinite(outcome)) unanswered.add(user);
  }

  const anyWinner = () => winners[Math.floor(random() * winners.length)];
  const newUser = () => `${prefix}${String(users++).padStart(5, "0")}`;

  return {
    async during(step) {
      told = { old: 0, new: 0 };
      let isOver = false;
      const stepping = step().finally(() => {
        isOver = true;
      });
      // It is awaited below, with its error.
      stepping.catch(() => undefined);
      const presses: Promise<void>[] = [];
      for (let pressed = 0; !isOver || pressed < LEAST; ) {
        const known = pressed >= portion || random() < AGAIN ? (early.shift() ?? anyWinner()) : undefined;
        if (known !== undefined) presses.push(pressFor(known));
        else if (pressed < portion) {
          pressed += 1;
          presses.push(pressFor(newUser()));
        }
        await sleep(EVERY_MS);
      }
      await Promise.all(presses);
      await stepping;
    },
    async rush(count) {
      const all = [...early, ...Array.from({ length: count }, newUser)];
      early = [];
      await inParallel(all, SOCKETS, pressFor);
    },
    history,
    users: () => users,
    told: () => told,
    unanswered: () => [...unanswered],
    close() {
      for (const client of clients) client.close();
    },
  };
}
