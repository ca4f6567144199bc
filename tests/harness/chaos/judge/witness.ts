import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "mongodb";

const LOOK_EVERY_MS = 15;
const SAMPLE_EVERY_MS = 40;
const LAST_LOOK_MS = 5_000;

/**
 * Looks up, directly in MongoDB and right after the reply, every code that a caller got. An issuance is never
 * removed, so an issuance that is missing now was missing at the moment of the reply too. While MongoDB does
 * not answer, the lookup waits.
 */
export function watchReplies(db: Db): {
  told(code: string): void;
  close(): Promise<{ notYetDurable: readonly string[]; lookedUp: number }>;
} {
  const issuances = db.collection<{ _id: string }>("issuances");
  const known = new Set<string>();
  const notYetDurable: string[] = [];
  let waiting: string[] = [];
  let closing = false;
  let lookedUp = 0;

  async function look(): Promise<void> {
    const codes = waiting;
    waiting = [];
    try {
      const found = await issuances.find({ _id: { $in: codes } }, { projection: { _id: 1 } }).toArray();
      const there = new Set(found.map((doc) => doc._id));
      lookedUp += codes.length;
      notYetDurable.push(...codes.filter((code) => !there.has(code)));
    } catch {
      waiting = codes.concat(waiting);
    }
  }
  const looking = (async () => {
    while (!closing) {
      if (waiting.length > 0) await look();
      await sleep(LOOK_EVERY_MS);
    }
    const endsAt = performance.now() + LAST_LOOK_MS;
    while (waiting.length > 0 && performance.now() < endsAt) await look();
  })();

  return {
    told(code) {
      if (known.has(code)) return;
      known.add(code);
      waiting.push(code);
    },
    async close() {
      closing = true;
      await looking;
      return { notYetDurable, lookedUp };
    },
  };
}

/** Reads the campaign's generation repeatedly, while MongoDB answers. */
export function watchGenerations(db: Db, campaignId: string): { close(): Promise<readonly number[]> } {
  const campaigns = db.collection<{ _id: string; generation: number }>("campaigns");
  const seen: number[] = [];
  let closing = false;
  const look = async () => {
    const doc = await campaigns
      .findOne({ _id: campaignId }, { projection: { generation: 1 } })
      .catch(() => null);
    if (doc !== null) seen.push(doc.generation);
  };
  const looking = (async () => {
    while (!closing) {
      await look();
      await sleep(SAMPLE_EVERY_MS);
    }
    await look();
  })();
  return {
    async close() {
      closing = true;
      await looking;
      return seen;
    },
  };
}
