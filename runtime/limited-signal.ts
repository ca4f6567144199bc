/** A signal that a timer aborts, and that timer. */
export type LimitedSignal = {
  readonly signal: AbortSignal;
  /** True: the time was over before any of the other signals was aborted. */
  readonly isLate: () => boolean;
  /** Ends the timer and the link to the other signals; the signal is never aborted after it. */
  readonly clear: () => void;
};

/**
 * Aborted when one of `signals` is, or after `limitMs`. Not `AbortSignal.any([…, AbortSignal.timeout(ms)])`:
 * that one holds its sources weakly, so the garbage collector may collect the time-out, which then never
 * fires (Node.js 20), and code that waits for it waits for ever.
 */
export function limitedSignal(limitMs: number, ...signals: readonly AbortSignal[]): LimitedSignal {
  const limited = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = !limited.signal.aborted;
    limited.abort(new DOMException(`not done within ${limitMs} ms`, "TimeoutError"));
  }, limitMs);
  const links = signals.map((signal) => {
    const onAbort = () => limited.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    return () => signal.removeEventListener("abort", onAbort);
  });
  return {
    signal: limited.signal,
    isLate: () => late,
    clear() {
      clearTimeout(timer);
      for (const unlink of links) unlink();
    },
  };
}
