/**
 * The resources of a command, released at the end in the reverse of the order in which they were added. Each
 * release is tried, even after another one failed.
 */
export type Releases = {
  add(what: string, release: () => Promise<unknown> | unknown): void;
  /** Releases all resources, once. Returns the errors, in words. */
  all(): Promise<readonly string[]>;
};

/**
 * A release that takes longer is reported as an error, and the other resources are released.
 */
const RELEASE_WITHIN_MS = 30_000;

async function within(release: Promise<unknown> | unknown, mostMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${mostMs / 1_000} s`)), mostMs);
  });
  await Promise.race([release, late]).finally(() => clearTimeout(timer));
}

export function createReleases(releaseWithinMs = RELEASE_WITHIN_MS): Releases {
  const taken: { readonly what: string; readonly release: () => Promise<unknown> | unknown }[] = [];
  let done: Promise<readonly string[]> | undefined;

  async function releaseAll(): Promise<readonly string[]> {
    const troubles: string[] = [];
    for (let last = taken.pop(); last !== undefined; last = taken.pop()) {
      try {
        await within(last.release(), releaseWithinMs);
      } catch (error) {
        troubles.push(`${last.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return troubles;
  }

  return {
    add: (what, release) => void taken.push({ what, release }),
    all() {
      done ??= releaseAll();
      return done;
    },
  };
}

/** The promise's result, unless the signal comes first: then its reason is thrown. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
