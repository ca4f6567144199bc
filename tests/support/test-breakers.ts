import {
  createStoreBreakers,
  type StoreBreakers,
  type StoreBreakersDeps,
} from "../../claims/store-breakers.ts";
import type { Clock } from "../../runtime/clock.ts";
import { silentLogger } from "./shared-stores.ts";

/** The breakers of a server; by default no call counts as hanging, and each probe is answered. */
export function testBreakers(clock: Clock, options: Partial<StoreBreakersDeps> = {}): StoreBreakers {
  const answered = () => Promise.resolve();
  return createStoreBreakers({
    ...{ clock, logger: silentLogger, commitStallMs: 600_000, storeStallMs: 600_000 },
    probes: { write: answered, read: answered, pool: answered },
    ...options,
  });
}
