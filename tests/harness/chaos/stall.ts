const LOOK_EVERY_MS = 200;

/**
 * How long this process stood still at worst, by a clock that goes on meanwhile: a machine that was frozen
 * proves nothing.
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
