import { setTimeout as sleep } from "node:timers/promises";
import type { MasterFinder } from "../../pool/master-finder.ts";
import { askGreeting } from "../../pool/redis-greeting.ts";
import { hostsOf, type RedisAddress } from "../../pool/redis-url.ts";
import { StoreUnavailable } from "../../runtime/store-unavailable.ts";
import type { RedisReader } from "./redis-reader.ts";

/** A reader of one server, which does not connect again by itself; `onLost` is called once. */
export type ServerReader = RedisReader & {
  connect(): Promise<unknown>;
  destroy(): void;
  onLost(listener: () => void): void;
};

export type MasterReaderOptions = {
  readonly finder: MasterFinder;
  readonly username: string;
  /** Not yet connected. */
  readonly readerAt: (address: RedisAddress) => ServerReader;
  readonly retryMs: number;
  readonly retriesMax: number;
};

/**
 * Reads from the master that Sentinels name. After its connection is lost it asks them again and reads from
 * the master of then; a command in between is refused, as on a single Redis that is away.
 */
export function createMasterReader(options: MasterReaderOptions) {
  const { finder, username, readerAt, retryMs, retriesMax } = options;
  let inUse: ServerReader | undefined;
  let isClosed = false;

  async function open(): Promise<void> {
    const address = await finder.find();
    const reader = readerAt(address);
    try {
      await reader.connect();
      const { role } = await askGreeting((command) => reader.ask("", command));
      if (role !== "master") throw new StoreUnavailable(`${hostsOf(address)} is a ${role} and no master`);
    } catch (error) {
      reader.destroy();
      throw error;
    }
    if (isClosed) return reader.destroy();
    inUse = reader;
    reader.onLost(() => {
      if (inUse === reader) inUse = undefined;
      reader.destroy();
      void openAgain();
    });
  }

  async function openAgain(): Promise<void> {
    for (let tried = 0; tried < retriesMax && inUse === undefined && !isClosed; tried += 1) {
      await open().catch(() => {});
      if (inUse === undefined) await sleep(retryMs, undefined, { ref: false });
    }
  }

  const reader = (): ServerReader => {
    if (inUse === undefined) throw new StoreUnavailable("the audit looks for the master of the Sentinels");
    return inUse;
  };
  return {
    username,
    connect: open,
    lRange: async (...args: Parameters<RedisReader["lRange"]>) => reader().lRange(...args),
    hScan: async (...args: Parameters<RedisReader["hScan"]>) => reader().hScan(...args),
    xRange: async (...args: Parameters<RedisReader["xRange"]>) => reader().xRange(...args),
    xLen: async (key: string) => reader().xLen(key),
    multi: () => reader().multi(),
    ask: async (key: string, command: readonly string[]) => reader().ask(key, command),
    async close() {
      isClosed = true;
      await inUse?.close();
      finder.close();
    },
    destroy() {
      isClosed = true;
      inUse?.destroy();
      finder.close();
    },
  };
}
