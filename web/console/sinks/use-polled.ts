import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export type Polled<T> = {
  /** The last answer; undefined: none yet. */
  readonly value: T | undefined;
  /** Why the last call failed; undefined: it did not. What is shown stays, and may be old. */
  readonly error: unknown;
  reload(): Promise<void>;
};

/** Asks now and every so often while the page is seen. Of several calls under way, the last one counts. */
export function usePolled<T>(ask: () => Promise<T>, everyMs: number): Polled<T> {
  const [answer, setAnswer] = useState<{ value?: T; error?: unknown }>({});
  const calls = useRef(0);
  const reload = useCallback(async () => {
    const own = ++calls.current;
    try {
      const value = await ask();
      if (own === calls.current) setAnswer({ value });
    } catch (error) {
      if (own === calls.current) setAnswer((before) => ({ ...before, error }));
    }
  }, [ask]);
  useEffect(() => {
    void reload();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void reload();
    }, everyMs);
    return () => {
      clearInterval(timer);
      // An answer that comes later is about another page.
      calls.current++;
    };
  }, [reload, everyMs]);
  return { value: answer.value, error: answer.error, reload };
}
