const LOOK_EVERY_MS = 200;

/**
 * Measures the longest stall of this process, by a clock that continues meanwhile: a round on a machine that
 * stood still proves nothing.
 */
export function watchStalls(): { readonly worstMs: number; end(): void } {
  let last = performance.now();
  let worstMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    worstMs = Math.max(worstMs, now - last - LOOK_EVERY_MS);
    last = now;
  }, LOOK_EVERY_MS);
  return {
    get worstMs() {
      return worstMs;
    },
    end: () => clearInterval(timer),
  };
}
