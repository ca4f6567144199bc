import type { Session } from "../session/session.tsx";

const kept = new WeakMap<object, Map<string, unknown>>();

/**
 * The same value for the same owner and name, so that work goes on while another tab of the page is looked
 * at. It is given up with its owner, such as the client of a session.
 */
export function keptFor<T>(owner: object, name: string, make: () => T): T {
  const values = kept.get(owner) ?? new Map<string, unknown>();
  kept.set(owner, values);
  if (!values.has(name)) values.set(name, make());
  return values.get(name) as T;
}

/** Calls back once, when the operator whose client this is has signed out. */
export function onSignedOut({ state }: Pick<Session, "state">, api: object, callback: () => void): void {
  const end = state.subscribe(() => {
    const now = state.get();
    if (now.signedIn && now.api === api) return;
    end();
    callback();
  });
}
