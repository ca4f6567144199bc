import { type CountLookUp, createCountLookUp, createLimits, type Limits } from "../access/limits.ts";
import { createSharedBuckets } from "../access/shared-buckets.ts";
import type { Config } from "../runtime/config.ts";
import { readRate } from "../runtime/limit-settings.ts";
import type { SharedParts } from "./shared-parts.ts";

/** The limits that the settings ask for; undefined: none. */
export function createLimitsOf(
  config: Config,
  {
    clock,
    logger,
    metrics,
    takeFromLimit,
  }: Pick<SharedParts, "clock" | "logger" | "metrics" | "takeFromLimit">,
): { readonly limits: Limits | undefined; readonly countLookUp: CountLookUp | undefined } {
  const [user, address, key] = [config.LIMIT_USER, config.LIMIT_ADDRESS, config.LIMIT_KEY].map(readRate);
  const shared =
    config.LIMITS_SHARED === "on" ? createSharedBuckets({ take: takeFromLimit, clock, logger }) : undefined;
  return {
    limits: createLimits({ user, address, key }, clock, shared),
    countLookUp: createCountLookUp(address, clock, () => metrics.overLimit.inc({ by: "address" })),
  };
}
