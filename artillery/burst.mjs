/**
 * A burst: the users that wait for the instant ask within this time after it. The limits are generous,
 * because a busy machine may be slow. But all users that should wait must have waited.
 */
const WITHIN_MS = 3_000;
const SHARE_LEAST = 0.9;

/**
 * @param {number} invokedAtMs
 * @param {number} startsAtMs
 */
export function isInBurst(invokedAtMs, startsAtMs) {
  return invokedAtMs >= startsAtMs && invokedAtMs <= startsAtMs + WITHIN_MS;
}

/**
 * Why there was no burst; undefined: there was one.
 *
 * @param {{ wanted: number, waited: number, asked: number }} burst wanted: the users that should
 *   wait; waited: those that waited until the instant; asked: those of them that asked in time
 * @returns {string | undefined}
 */
export function missedBurst({ wanted, waited, asked }) {
  const seconds = WITHIN_MS / 1_000;
  if (waited < wanted) return `${waited} users waited for the instant instead of ${wanted}`;
  if (asked < waited * SHARE_LEAST)
    return `${asked} of the ${waited} users who waited for the instant asked within ${seconds} s of it`;
  return undefined;
}
