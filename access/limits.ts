import type { LimitName, Refusal } from "../campaign/refusal.ts";
import type { Clock } from "../runtime/clock.ts";
import { sourceGroupOf } from "../runtime/source-group.ts";
import type { SharedBuckets } from "./shared-buckets.ts";
import { createTokenBuckets, type Rate, type TokenBuckets } from "./token-buckets.ts";

/** A caller by what its requests are counted by; empty: not known, and not counted. */
export type Counted = { readonly userId: string; readonly keyName: string; readonly address: string };

/** The limit that a caller is over. `subject`: whose limit it is. */
export type OverLimit = { readonly by: LimitName; readonly subject: string; readonly retryAfterMs: number };

export function rateLimited({ by, retryAfterMs }: OverLimit): Refusal {
  return { reason: "RATE_LIMITED", by, retryAfterMs };
}

/** How often a user, an address and a server-to-server key may ask. */
export type Limits = {
  /** Counts a request. undefined: it is within all limits. Without a promise unless limits are shared. */
  count(caller: Counted): OverLimit | undefined | Promise<OverLimit | undefined>;
};

export type LimitRates = { readonly [name in LimitName]: Rate | undefined };

/** The longest user id there is; a longer text is refused before it is counted under its address. */
const SUBJECT_LENGTH_MAX = 256;

type Limit = { readonly by: LimitName; readonly buckets: TokenBuckets; readonly rate: Rate };

/**
 * Counts by user, then by address, then by key. A request that is over one limit counts for none after it: a
 * user that asks too often takes nothing from others behind the same address. `shared`: also counts with the
 * other processes; the buckets of this one then are the first to refuse, and the only ones while Redis does
 * not answer.
 */
export function createLimits(
  rates: LimitRates,
  clock: Pick<Clock, "elapsed">,
  shared?: SharedBuckets | undefined,
): Limits | undefined {
  const limits = (["user", "address", "key"] as const).flatMap((by): Limit[] => {
    const rate = rates[by];
    return rate === undefined ? [] : [{ by, rate, buckets: createTokenBuckets(rate, clock) }];
  });
  if (limits.length === 0) return undefined;

  async function countWithOthers(caller: Counted, buckets: SharedBuckets): Promise<OverLimit | undefined> {
    for (const limit of limits) {
      const over = countHere(limit, caller) ?? (await countThere(limit, caller, buckets));
      if (over !== undefined) return over;
    }
    return undefined;
  }

  return {
    count(caller) {
      if (shared !== undefined) return countWithOthers(caller, shared);
      for (const limit of limits) {
        const over = countHere(limit, caller);
        if (over !== undefined) return over;
      }
      return undefined;
    },
  };
}

/** How often an address may look something up: a limit of its own, so that pages take nothing from claims. */
export type CountLookUp = (address: string) => OverLimit | undefined;

export function createCountLookUp(
  rate: Rate | undefined,
  clock: Pick<Clock, "elapsed">,
  onOver: () => void = () => undefined,
): CountLookUp | undefined {
  if (rate === undefined) return undefined;
  const limit: Limit = { by: "address", rate, buckets: createTokenBuckets(rate, clock) };
  return (address) => {
    const over = countHere(limit, { userId: "", keyName: "", address });
    if (over !== undefined) onOver();
    return over;
  };
}

/** How often an address may validate coupons. Without a promise unless limits are shared. */
export type CountValidation = (address: string) => OverLimit | undefined | Promise<OverLimit | undefined>;

/** A limit of its own; with `shared` also over all processes, as claims are counted. */
export function createCountValidation(
  rate: Rate | undefined,
  clock: Pick<Clock, "elapsed">,
  onOver: () => void,
  shared?: SharedBuckets | undefined,
): CountValidation | undefined {
  const countAlone = createCountLookUp(rate, clock, onOver);
  if (countAlone === undefined || rate === undefined || shared === undefined) return countAlone;
  return async (address) => {
    const over = countAlone(address);
    const subject = subjectOf("address", { userId: "", keyName: "", address });
    if (over !== undefined || subject === "") return over;
    const retryAfterMs = await shared.take("validate", subject, rate);
    if (retryAfterMs === 0) return undefined;
    onOver();
    return { by: "address", subject, retryAfterMs };
  };
}

function countHere({ by, buckets }: Limit, caller: Counted): OverLimit | undefined {
  const subject = subjectOf(by, caller);
  if (subject === "") return undefined;
  const retryAfterMs = buckets.take(subject);
  return retryAfterMs === 0 ? undefined : { by, subject, retryAfterMs };
}

async function countThere({ by, rate }: Limit, caller: Counted, shared: SharedBuckets) {
  const subject = subjectOf(by, caller);
  if (subject === "") return undefined;
  const retryAfterMs = await shared.take(by, subject, rate);
  return retryAfterMs === 0 ? undefined : { by, subject, retryAfterMs };
}

function subjectOf(by: LimitName, { userId, keyName, address }: Counted): string {
  switch (by) {
    case "user":
      return userId.length > SUBJECT_LENGTH_MAX ? "" : userId;
    case "address":
      return address === "" ? "" : sourceGroupOf(address);
    case "key":
      return keyName;
    default:
      return by satisfies never;
  }
}
