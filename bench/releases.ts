/** What must be given back at the end, in the reverse of the order in which it was taken; each is tried, whatever happens to others. */
export type Releases = {
  add(what: string, release: () => Promise<unknown> | unknown): void;
  /** Gives everything back once. What could not be given back, in words. */
  all(): Promise<readonly string[]>;
};

export function createReleases(): Releases {
  const taken: { readonly what: string; readonly release: () => Promise<unknown> | unknown }[] = [];
  let done: Promise<readonly string[]> | undefined;

  async function releaseAll(): Promise<readonly string[]> {
    const troubles: string[] = [];
    for (let last = taken.pop(); last !== undefined; last = taken.pop()) {
      try {
        await last.release();
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
