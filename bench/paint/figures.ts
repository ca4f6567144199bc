/** What the browser's observers told of a page, in milliseconds since the navigation. */
export type Observed = {
  readonly firstPaintMs: number;
  readonly firstContentfulPaintMs: number;
  readonly largestContentfulPaintMs: number;
  /** Of parts that moved although nobody had touched the page. */
  readonly shifts: readonly { readonly atMs: number; readonly value: number }[];
  /** Tasks of more than 50 ms. */
  readonly longTasks: readonly { readonly atMs: number; readonly lengthMs: number }[];
};

/** An answer that the browser read. */
export type Loaded = {
  readonly path: string;
  /** Header and body as they came; 0: from the browser's cache, without a request. */
  readonly bytes: number;
  /** A text that came neither compressed nor from a cache. */
  readonly isPlainText: boolean;
};

/** A visit's figures; times in milliseconds. */
export type Figures = Pick<
  Observed,
  "firstPaintMs" | "firstContentfulPaintMs" | "largestContentfulPaintMs"
> & {
  readonly layoutShift: number;
  readonly blockingMs: number;
  readonly bytes: number;
  /** Those that went to the service. */
  readonly requests: number;
};

/** A task may take so long before it counts as one that blocks. */
const FREE_MS = 50;
const WINDOW_GAP_MS = 1_000;
const WINDOW_MAX_MS = 5_000;
/** Header and body; compressing less than this gains nothing. */
const PLAIN_MAX_BYTES = 2_000;

export function figuresOf(observed: Observed, loaded: readonly Loaded[]): Figures {
  const { firstPaintMs, firstContentfulPaintMs, largestContentfulPaintMs } = observed;
  return {
    ...{ firstPaintMs, firstContentfulPaintMs, largestContentfulPaintMs },
    layoutShift: layoutShiftOf(observed.shifts),
    blockingMs: blockingOf(observed),
    bytes: loaded.reduce((sum, { bytes }) => sum + bytes, 0),
    requests: loaded.filter(({ bytes }) => bytes > 0).length,
  };
}

/**
 * Cumulative layout shift: the sum of the worst session window, in which shifts follow each other within a
 * second, and which is at most five seconds long. Source: web.dev/articles/cls.
 */
export function layoutShiftOf(shifts: Observed["shifts"]): number {
  let worst = 0;
  let window = { fromMs: 0, lastMs: Number.NEGATIVE_INFINITY, sum: 0 };
  for (const { atMs, value } of shifts.toSorted((a, b) => a.atMs - b.atMs)) {
    const goesOn = atMs - window.lastMs < WINDOW_GAP_MS && atMs - window.fromMs < WINDOW_MAX_MS;
    window = goesOn
      ? { ...window, lastMs: atMs, sum: window.sum + value }
      : { fromMs: atMs, lastMs: atMs, sum: value };
    worst = Math.max(worst, window.sum);
  }
  return worst;
}

/** Total blocking time: what each task that ends after the first contentful paint has beyond 50 ms. */
export function blockingOf({
  longTasks,
  firstContentfulPaintMs,
}: Pick<Observed, "longTasks" | "firstContentfulPaintMs">): number {
  return longTasks.reduce((sum, { atMs, lengthMs }) => {
    const afterMs = Math.min(lengthMs, atMs + lengthMs - firstContentfulPaintMs);
    return sum + Math.max(0, afterMs - FREE_MS);
  }, 0);
}

/** Texts that a service should have compressed. */
export function plainTexts(loaded: readonly Loaded[]): string[] {
  return loaded
    .filter(({ isPlainText, bytes }) => isPlainText && bytes > PLAIN_MAX_BYTES)
    .map(({ path, bytes }) => `${path} came uncompressed: ${bytes} bytes`);
}

/** Files that never change and were yet asked for again. */
export function askedAgain(loaded: readonly Loaded[]): string[] {
  return loaded
    .filter(({ path, bytes }) => path.includes("/assets/") && bytes > 0)
    .map(({ path, bytes }) => `${path} was loaded again, although the browser had it: ${bytes} bytes`);
}
