/** A queue in order of arrival. */
export type Fifo<T> = {
  push(item: T): void;
  /** Removes the first one; undefined: it is empty. */
  shift(): T | undefined;
  size(): number;
};

/** So many removed places are kept before the others move up. */
const REMOVED_MAX = 1_024;

/**
 * Array.shift moves all items of a long array each time. Here they move up once in a while, so that a queue
 * that is never empty does not keep what has left it.
 */
export function createFifo<T extends object>(): Fifo<T> {
  let items: (T | undefined)[] = [];
  let next = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      const first = items[next];
      if (first === undefined) return undefined;
      items[next] = undefined;
      next += 1;
      if (next === items.length || next >= REMOVED_MAX) {
        items = items.slice(next);
        next = 0;
      }
      return first;
    },
    size: () => items.length - next,
  };
}
