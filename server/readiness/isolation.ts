/**
 * For how long another server must reach both stores, without a break, while this one does not, before this
 * one is isolated. Longer than the age of what is known of others (their heartbeats, their pages): when a
 * store fails for all, they seem to reach it for up to 4 s more. Longer, too, than servers take to find a
 * store that is back, some sooner and some later.
 */
export const ISOLATED_AFTER_MS = 6_000;
/** For how long that must not be so before the server is back. */
export const BACK_AFTER_MS = 3_000;

/** `sinceMs`: since when the looks have found what would change it; undefined: the last look did not. */
export type Isolation = { readonly isIsolated: boolean; readonly sinceMs: number | undefined };

export const NOT_ISOLATED: Isolation = { isIsolated: false, sinceMs: undefined };

/**
 * The next isolation. `isAlone`: this look found that the process does not reach a store, and that another
 * server reaches both. Where none does, all see the same: none is isolated, so never are all at once.
 */
export function judgeIsolation(
  { isIsolated, sinceMs }: Isolation,
  isAlone: boolean,
  nowMs: number,
): Isolation {
  if (isAlone === isIsolated) return { isIsolated, sinceMs: undefined };
  const firstMs = sinceMs ?? nowMs;
  const lastsMs = isIsolated ? BACK_AFTER_MS : ISOLATED_AFTER_MS;
  return nowMs - firstMs >= lastsMs
    ? { isIsolated: isAlone, sinceMs: undefined }
    : { isIsolated, sinceMs: firstMs };
}
