import { createStore, type Store } from "../session/store.ts";

/** A call that an operator makes by hand, with its last answer. */
export type CallState<T> = {
  readonly busy: boolean;
  /** The last answer; undefined: none yet. */
  readonly answer: T | undefined;
  /** Why the last call failed; undefined: it did not. */
  readonly error: unknown;
};

export type AskedCall<T> = {
  readonly state: Pick<Store<CallState<T>>, "get" | "subscribe">;
  /** Keeps the last answer until there is a new one. */
  ask(call: () => Promise<T>): Promise<void>;
};

/** Of several calls under way only the answer of the latest is kept. */
export function createAskedCall<T>(): AskedCall<T> {
  const state = createStore<CallState<T>>({ busy: false, answer: undefined, error: undefined });
  let latest = 0;
  return {
    state,
    async ask(call) {
      latest += 1;
      const own = latest;
      state.set({ ...state.get(), busy: true });
      try {
        const answer = await call();
        if (own === latest) state.set({ busy: false, answer, error: undefined });
      } catch (error) {
        if (own === latest) state.set({ ...state.get(), busy: false, error });
      }
    },
  };
}
