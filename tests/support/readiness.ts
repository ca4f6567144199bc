import { systemClock } from "../../runtime/clock.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { createReadiness, type OwnReadiness } from "../../server/readiness/readiness.ts";
import { createStoreReach } from "../../server/readiness/store-reach.ts";
import { silentLogger } from "./shared-stores.ts";

/** Of a process that reaches both stores, until its lifecycle releases. */
export function readinessUntil(lifecycle: Lifecycle): OwnReadiness {
  return createReadiness({
    ...{ reach: createStoreReach(systemClock), isEnding: lifecycle.releasing },
    ...{ clock: systemClock, logger: silentLogger },
  });
}
