import type { HistoryEntry, Outcome } from "../../audit/history.ts";
import { createHttpClient } from "../../callers/http-client.ts";
import { createPresser } from "../../callers/press.ts";
import { seededRandom } from "../../callers/random.ts";

/** The outcome of one request. */
export type Sent = {
  readonly user: string;
  /** Which server it was sent to first, from 1. */
  readonly server: number;
  readonly outcome: Outcome;
  readonly tries: number;
  readonly tookMs: number;
};

export type Sending = {
  readonly urls: readonly string[];
  readonly campaignId: string;
  readonly requests: number;
  /** Every request with its answer, in the order of the answers, for the audit. */
  readonly history: HistoryEntry[];
  readonly signal: AbortSignal;
};

const SOCKETS_A_SERVER = 128;
const TRY_TIMEOUT_MS = 7_000;
/** A bound only: the whole run has a deadline of its own. */
const PATIENCE_MS = 3_600_000;

/**
 * Sends all requests at once, each of another user and to the next server. After an answer that is not
 * definite, the same user asks again, at the server after that.
 */
export async function sendAll(sending: Sending): Promise<Sent[]> {
  const { urls, campaignId, requests, history, signal } = sending;
  const clients = urls.map((url) => createHttpClient(url, SOCKETS_A_SERVER));
  const send = async (index: number): Promise<Sent> => {
    let turn = index;
    const press = createPresser({
      ask(...asked) {
        const client = clients[turn % clients.length];
        if (client === undefined) throw new Error("there is no server");
        turn += 1;
        return client.ask(...asked);
      },
      ...{ campaignId, signal, triesInFlightMax: 1, tryTimeoutMs: TRY_TIMEOUT_MS, patienceMs: PATIENCE_MS },
      random: seededRandom(index),
      record: (entry) => void history.push(entry),
    });
    const user = `user-${String(index + 1).padStart(String(requests).length, "0")}`;
    const startedMs = performance.now();
    const { outcome, tries } = await press(user);
    return { user, server: (index % urls.length) + 1, outcome, tries, tookMs: performance.now() - startedMs };
  };
  try {
    return await Promise.all(Array.from({ length: requests }, (_, index) => send(index)));
  } finally {
    for (const client of clients) client.close();
  }
}
