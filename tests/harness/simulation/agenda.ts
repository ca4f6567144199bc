/**
 * A server process or a store, to which events happen. An event for a crashed actor is lost; an event for a
 * held one (SIGSTOP) comes later.
 */
export type Actor = { readonly name: string; alive: boolean; heldUntilMs: number };

export function newActor(name: string): Actor {
  return { name, alive: true, heldUntilMs: 0 };
}

/**
 * All future events, in order of virtual time. Events happen one by one: all promises that an event resolves
 * inside the process have run before the next event, so the order of the agenda is the only order.
 */
export type Agenda = {
  /** Virtual milliseconds since the beginning; never steps. */
  nowMs(): number;
  /** Puts an event on the agenda; the returned function takes it off again. */
  in(delayMs: number, actor: Actor | undefined, label: string, run: () => void): () => void;
  /** Runs the next event. False: there is none. */
  step(): Promise<boolean>;
  steps(): number;
  /** Writes a line into the trace and its hash. */
  note(text: string): void;
  /** Identifies all events so far: two runs with the same hash did the same. */
  hash(): string;
};

type Entry = {
  dueMs: number;
  readonly order: number;
  readonly actor: Actor | undefined;
  readonly label: string;
  readonly run: () => void;
  cancelled: boolean;
};

export function createAgenda(trace?: (line: string) => void): Agenda {
  const heap: Entry[] = [];
  let nowMs = 0;
  let orders = 0;
  let steps = 0;
  let low = 0x811c9dc5;
  let high = 0x01234567;

  function note(text: string): void {
    trace?.(`${nowMs.toFixed(3).padStart(10)} ${text}`);
    const mix = (unit: number) => {
      low = Math.imul(low ^ unit, 16_777_619);
      high = Math.imul(high ^ unit, 709_607) + low;
    };
    mix(Math.round(nowMs * 1_000));
    for (let i = 0; i < text.length; i++) mix(text.charCodeAt(i));
  }

  return {
    nowMs: () => nowMs,
    in(delayMs, actor, label, run) {
      const entry = { dueMs: nowMs + delayMs, order: orders++, actor, label, run, cancelled: false };
      push(heap, entry);
      return () => {
        entry.cancelled = true;
      };
    },
    async step() {
      for (;;) {
        const entry = pop(heap);
        if (entry === undefined) return false;
        if (entry.cancelled || entry.actor?.alive === false) continue;
        nowMs = Math.max(nowMs, entry.dueMs);
        if (entry.actor !== undefined && entry.actor.heldUntilMs > nowMs) {
          // Keeps its place among all events that wait for the same actor.
          entry.dueMs = entry.actor.heldUntilMs;
          push(heap, entry);
          continue;
        }
        steps++;
        note(entry.actor === undefined ? entry.label : `${entry.actor.name} ${entry.label}`);
        entry.run();
        // A nextTick that is requested in a microtask runs when no microtask is left: by then everything that
        // the event started has run.
        await new Promise<void>((resolve) => process.nextTick(resolve));
        return true;
      }
    },
    steps: () => steps,
    note,
    hash: () => [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join(""),
  };
}

const before = (a: Entry, b: Entry) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt] as Entry;
    if (!before(entry, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const leftAt = 2 * at + 1;
    const left = heap[leftAt];
    if (left === undefined) break;
    const right = heap[leftAt + 1];
    const [childAt, child] =
      right !== undefined && before(right, left) ? [leftAt + 1, right] : [leftAt, left];
    if (!before(child, last)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
  return first;
}
