import type { Clock } from "./clock.ts";
import { getOrSet, type KeyStorage } from "./key-storage.ts";

/** The request ids of this client, one for each campaign and user. */
export type RequestKeys = {
  /** The kept request id, or a new one, which is stored before this resolves. Never rejects. */
  keyFor(campaignId: string, userId: string): Promise<string>;
  /** The next claim makes a new request id. */
  forget(campaignId: string, userId: string): Promise<void>;
};

const PREFIX = "coupon-client:request-id:";

/** A storage that does not answer within so long is not waited for: longer than a database takes to open. */
const STORAGE_MOST_MS = 6_000;

export function createRequestKeys(storage: KeyStorage | undefined, clock: Pick<Clock, "after">): RequestKeys {
  // Also what a storage that throws has lost: the key must not change within the life of this client.
  const known = new Map<string, Promise<string>>();

  async function findOrMake(name: string): Promise<string> {
    const made = newRequestId();
    if (storage === undefined) return made;
    let cancel = (): void => {};
    const late = new Promise<string>((resolve) => {
      cancel = clock.after(STORAGE_MOST_MS, () => resolve(made));
    });
    return Promise.race([inStorage(storage, name, made), late]).finally(cancel);
  }

  async function inStorage(storage: KeyStorage, name: string, made: string): Promise<string> {
    try {
      return await getOrSet(storage, name, made);
    } catch {
      // Private mode, a full quota, the caller's own storage: the key lives as long as the page.
      return made;
    }
  }

  return {
    keyFor(campaignId, userId) {
      const name = nameOf(campaignId, userId);
      const key = known.get(name) ?? findOrMake(name);
      known.set(name, key);
      return key;
    },
    async forget(campaignId, userId) {
      const name = nameOf(campaignId, userId);
      known.delete(name);
      try {
        await storage?.remove(name);
      } catch {
        // As above.
      }
    },
  };
}

/** The service accepts campaign ids in any case. */
function nameOf(campaignId: string, userId: string): string {
  return `${PREFIX}${campaignId.toUpperCase()}:${userId}`;
}

/** A random UUID. `crypto.randomUUID` exists in pages with TLS only. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
