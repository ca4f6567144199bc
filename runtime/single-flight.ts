/**
 * One run at a time for each key: callers that come while it is under way share its result or its failure.
 */
export type SingleFlight<T> = {
  /** The answer that is under way; undefined: none is. */
  underWay(key: string): Promise<T> | undefined;
  /** Starts `act` unless a run for this key is under way. */
  run(key: string, act: () => Promise<T>): Promise<T>;
  /** How many are under way. */
  size(): number;
};

export function createSingleFlight<T>(): SingleFlight<T> {
  const runs = new Map<string, Promise<T>>();
  return {
    underWay: (key) => runs.get(key),
    run(key, act) {
      const running = runs.get(key);
      if (running !== undefined) return running;
      const started = act().finally(() => runs.delete(key));
      runs.set(key, started);
      return started;
    },
    size: () => runs.size,
  };
}
