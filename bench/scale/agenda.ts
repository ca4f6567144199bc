/** Events in the order of their instants; those of one instant in the order in which they were set. */
export type Agenda = {
  /** In microseconds since the beginning. */
  readonly nowUs: () => number;
  after(us: number, act: () => void): void;
  /** Runs until nothing is left or the instant has come. */
  runUntil(us: number): void;
};

type Entry = { readonly atUs: number; readonly order: number; readonly act: () => void };

export function createAgenda(): Agenda {
  const heap: Entry[] = [];
  let now = 0;
  let order = 0;

  const isBefore = (a: Entry, b: Entry) => a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);

  function push(entry: Entry): void {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, heap[above] as Entry)) break;
      heap[at] = heap[above] as Entry;
      at = above;
    }
    heap[at] = entry;
  }

  function pop(): Entry | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry);
      const next = isRight ? right : left;
      if (!isBefore(heap[next] as Entry, last)) break;
      heap[at] = heap[next] as Entry;
      at = next;
    }
    heap[at] = last;
    return first;
  }

  return {
    nowUs: () => now,
    after(us, act) {
      push({ atUs: now + Math.max(0, us), order: order++, act });
    },
    runUntil(us) {
      while (heap.length > 0 && (heap[0] as Entry).atUs <= us) {
        const entry = pop() as Entry;
        now = entry.atUs;
        entry.act();
      }
      now = Math.max(now, us);
    },
  };
}
