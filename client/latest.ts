/** A value that changes, for any number of readers; a slow one misses values, never the last. */
export type Latest<T> = AsyncIterable<T> & {
  put(value: T): void;
  /** Readers get the last value and then end. */
  end(): void;
  subscribe(listener: (value: T) => void): () => void;
};

/** `onUnread` is called when the last reader has left. */
export function createLatest<T>(onUnread: () => void): Latest<T> {
  let last: { readonly value: T; readonly version: number } | undefined;
  let isEnded = false;
  let readers = 0;
  const changed = new Set<() => void>();

  const change = (): void => {
    for (const call of [...changed]) call();
  };
  const leave = (): void => {
    readers -= 1;
    if (readers === 0) onUnread();
  };

  return {
    put(value) {
      if (isEnded) return;
      last = { value, version: (last?.version ?? 0) + 1 };
      change();
    },
    end() {
      isEnded = true;
      change();
    },
    subscribe(listener) {
      let seen = 0;
      const call = (): void => {
        if (last === undefined || last.version === seen) return;
        seen = last.version;
        try {
          listener(last.value);
        } catch (error) {
          // The listener's own error: reported as any other, and the other readers go on.
          queueMicrotask(() => {
            throw error;
          });
        }
      };
      readers += 1;
      changed.add(call);
      call();
      return () => {
        if (changed.delete(call)) leave();
      };
    },
    [Symbol.asyncIterator]() {
      let seen = 0;
      let hasLeft = false;
      readers += 1;
      const leaveOnce = (): IteratorResult<T> => {
        if (!hasLeft) leave();
        hasLeft = true;
        return { done: true, value: undefined };
      };
      return {
        async next() {
          while (!hasLeft) {
            if (last !== undefined && last.version !== seen) {
              seen = last.version;
              return { done: false, value: last.value };
            }
            if (isEnded) break;
            await new Promise<void>((resolve) => {
              const wake = (): void => {
                changed.delete(wake);
                resolve();
              };
              changed.add(wake);
            });
          }
          return leaveOnce();
        },
        return: async () => leaveOnce(),
      };
    },
  };
}
