import type { FairSlots, Slot } from "./fair-slots.ts";

/** The queue is full: the item was not sent to a store. */
export class QueueFull extends Error {
  override readonly name = "QueueFull";
}

export type BatchQueue<T, R> = {
  /**
   * Queues one item; resolves with its result. Rejects with QueueFull, or with the error of its batch.
   */
  push(item: T): Promise<R>;
  /** Rejects the items that wait and were not sent in a batch. */
  rejectWaiting(cause: Error): void;
  /** Items that wait or are under way. */
  size(): number;
  /** Resolves once no item waits and no batch is under way. */
  idle(): Promise<void>;
};

export type BatchQueueOptions<T, R> = {
  /** Processes a batch; returns the results in the order of `items`. */
  run: (items: readonly T[]) => Promise<readonly R[]>;
  maxBatch: number;
  maxInFlight: number;
  maxWaiting: number;
  /**
   * No caller waits for the results: items that gathered while a batch was under way are deferred too,
   * instead of sent at once.
   */
  lazy?: boolean;
  /** Calls back at the end of this turn of the event loop; setImmediate unless a simulation owns the loop. */
  defer?: (callback: () => void) => void;
  /** Shared with the queues of other campaigns: no batch begins without one of them. */
  slots?: FairSlots | undefined;
};

/** Where no slots are shared. */
const NO_BOUND: Slot = { most: Number.POSITIVE_INFINITY, end: () => undefined };

type Entry<T, R> = { item: T; resolve: (result: R) => void; reject: (cause: unknown) => void };

/**
 * Gathers items while earlier batches are under way, and sends them as soon as one of those returns. A lone
 * item is sent at the end of the turn of the event loop in which it came, so that requests from one read of
 * the sockets go together. There are no timers: no item waits for others to come.
 */
export function createBatchQueue<T, R>({
  run,
  maxBatch,
  maxInFlight,
  maxWaiting,
  lazy = false,
  defer = setImmediate,
  slots,
}: BatchQueueOptions<T, R>): BatchQueue<T, R> {
  let waiting: Entry<T, R>[] = [];
  let inFlight = 0;
  let underWay = 0;
  let scheduled = false;
  let idlers: (() => void)[] = [];
  const share = slots?.join(flush);

  function flush(): void {
    scheduled = false;
    while (waiting.length > 0 && inFlight < maxInFlight) {
      const slot = share === undefined ? NO_BOUND : share.take(Math.min(waiting.length, maxBatch));
      if (slot === undefined) return;
      const most = Math.min(maxBatch, slot.most);
      const batch = waiting.length <= most ? waiting : waiting.slice(0, most);
      waiting = batch === waiting ? [] : waiting.slice(most);
      void send(batch, slot);
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    defer(flush);
  }

  async function send(batch: Entry<T, R>[], slot: Slot): Promise<void> {
    inFlight++;
    underWay += batch.length;
    try {
      const results = await run(batch.map((entry) => entry.item));
      if (results.length !== batch.length)
        throw new Error(`a batch of ${batch.length} gave ${results.length} results`);
      batch.forEach((entry, i) => {
        entry.resolve(results[i] as R);
      });
    } catch (cause) {
      for (const entry of batch) entry.reject(cause);
    }
    inFlight--;
    underWay -= batch.length;
    slot.end();
    if (lazy && waiting.length > 0) schedule();
    else flush();
    tellIdlers();
  }

  function tellIdlers(): void {
    if (waiting.length + underWay > 0) return;
    for (const done of idlers) done();
    idlers = [];
  }

  return {
    push(item) {
      if (waiting.length >= maxWaiting)
        return Promise.reject(new QueueFull(`${waiting.length} wait already`));
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (inFlight < maxInFlight) schedule();
      });
    },
    rejectWaiting(cause) {
      const rejected = waiting;
      waiting = [];
      for (const entry of rejected) entry.reject(cause);
      tellIdlers();
    },
    size: () => waiting.length + underWay,
    idle: () =>
      waiting.length + underWay === 0
        ? Promise.resolve()
        : new Promise((resolve) => void idlers.push(resolve)),
  };
}
