/** One of a few values that the operator has chosen; no secret. */
export type Preference<T extends string> = {
  /** Undefined: none was chosen, or another version of the page kept what this one does not know. */
  get(): T | undefined;
  /** Undefined: as if none had been chosen. */
  set(value: T | undefined): void;
};

/** Kept in the browser; where it forbids storage, until the page is left. */
export function createPreference<T extends string>(
  name: string,
  allowed: readonly T[],
  storage: () => Pick<Storage, "getItem" | "setItem" | "removeItem">,
): Preference<T> {
  const key = `coupon-console:${name}`;
  let chosen: string | null = null;
  try {
    chosen = storage().getItem(key);
  } catch {
    // Forbidden.
  }
  return {
    get: () => allowed.find((value) => value === chosen),
    set(value) {
      chosen = value ?? null;
      try {
        if (value === undefined) storage().removeItem(key);
        else storage().setItem(key, value);
      } catch {
        // As above.
      }
    },
  };
}
