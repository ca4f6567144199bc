import { type CountLookUp, createCountLookUp, createLimits, type Limits } from "../access/limits.ts";
import { createSharedBuckets, type SharedBuckets } from "../access/shared-buckets.ts";
import { type ClaimHook, createClaimHook } from "../claims/claim-hook.ts";
import { createHookCall } from "../claims/hook-call.ts";
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
): {
  readonly limits: Limits | undefined;
  readonly countLookUp: CountLookUp | undefined;
  readonly shared: SharedBuckets | undefined;
} {
  const [user, address, key] = [config.LIMIT_USER, config.LIMIT_ADDRESS, config.LIMIT_KEY].map(readRate);
  const shared =
    config.LIMITS_SHARED === "on" ? createSharedBuckets({ take: takeFromLimit, clock, logger }) : undefined;
  return {
    shared,
    limits: createLimits({ user, address, key }, clock, shared),
    countLookUp: createCountLookUp(address, clock, () => metrics.overLimit.inc({ by: "address" })),
  };
}

/** The hook that the settings name; undefined: none. */
export function createClaimHookOf(
  config: Config,
  parts: Pick<SharedParts, "clock" | "logger" | "metrics">,
): ClaimHook | undefined {
  const { CLAIM_HOOK_URL: url, CLAIM_HOOK_SECRET: secret, CLAIM_HOOK_FAILS: fails } = config;
  if (url === undefined || fails === undefined) return undefined;
  const call = createHookCall({ url, secret, deadlineMs: config.CLAIM_HOOK_DEADLINE_MS });
  return createClaimHook({ ...parts, call, fails });
}
