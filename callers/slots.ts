/** At most `max` holders at once; other takers wait in the order in which they came. */
export type Slots = { take(): Promise<void>; give(): void };

export function createSlots(max: number): Slots {
  let free = max;
  let head = 0;
  let waiting: (() => void)[] = [];
  return {
    take() {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting[head];
      if (next === undefined) {
        free += 1;
        waiting = [];
        head = 0;
        return;
      }
      head += 1;
      next();
    },
  };
}
