import { checked, oneOf } from "./setting-kinds.ts";

/** The settings of how often callers may ask; `access/` uses them. */

const COUNT_MAX = 1_000_000;
const SECONDS_MAX = 3_600;
/** Shared buckets stay in Redis for that long: so many seconds bound how many there are. */
const SHARED_SECONDS_MAX = 60;
const RATE = /^(\d{1,7})\/(\d{1,4})$/;

const OFF = "off";
const RULE = `must be off, or N/SECONDS, such as 20/10: N requests at once and N more every SECONDS, where N is 1 to 1000000 and SECONDS 1 to ${SECONDS_MAX}`;

/** Enough for the busiest till; a stranger with a redeemer's key learns little by it. */
const VALIDATE_RATE = "100/10";

const rate = () => checked(rateTrouble);

export const limitSettings = {
  LIMIT_USER: rate().optional(),
  LIMIT_ADDRESS: rate().default(OFF),
  LIMIT_KEY: rate().default(OFF),
  LIMIT_VALIDATE: rate().default(VALIDATE_RATE),
  LIMITS_SHARED: oneOf(["off", "on"]).default("off"),
};

/** Where users are proven or vouched for, and LIMIT_USER is not set. */
const USER_RATE = "20/10";

function rateTrouble(text: string): string | undefined {
  if (text === OFF) return undefined;
  const { count, seconds } = readRate(text) ?? { count: 0, seconds: 0 };
  const isRate = count >= 1 && count <= COUNT_MAX && seconds >= 1 && seconds <= SECONDS_MAX;
  return isRate ? undefined : RULE;
}

/** The rate that a setting says; undefined: off. */
export function readRate(text: string): { readonly count: number; readonly seconds: number } | undefined {
  const [, count, seconds] = RATE.exec(text) ?? [];
  return count === undefined ? undefined : { count: Number(count), seconds: Number(seconds) };
}

/**
 * LIMIT_USER where it is not set: off in the mode `open`, in which anybody could use up the requests of
 * another user by sending its id.
 */
export function userRateOf(given: string | undefined, claimAuth: string | undefined): string {
  return given ?? (claimAuth === "token" || claimAuth === "key" ? USER_RATE : OFF);
}

type LimitConfig = {
  readonly LIMIT_USER?: string | undefined;
  readonly LIMIT_ADDRESS: string;
  readonly LIMIT_KEY: string;
  readonly LIMIT_VALIDATE: string;
  readonly LIMITS_SHARED: "off" | "on";
};

/** What is wrong with the settings together; undefined: nothing. */
export function limitTrouble(config: LimitConfig): string | undefined {
  if (config.LIMITS_SHARED === OFF) return undefined;
  const { LIMIT_USER = OFF, LIMIT_ADDRESS, LIMIT_KEY, LIMIT_VALIDATE } = config;
  for (const [name, text] of Object.entries({ LIMIT_USER, LIMIT_ADDRESS, LIMIT_KEY, LIMIT_VALIDATE })) {
    if ((readRate(text)?.seconds ?? 0) > SHARED_SECONDS_MAX)
      return `LIMITS_SHARED is on, so SECONDS of ${name} must be ${SHARED_SECONDS_MAX} at most: Redis keeps a bucket for as long`;
  }
  return undefined;
}
