import { createFifo } from "../runtime/fifo.ts";
import { QueueFull } from "./batch-queue.ts";

/**
 * Look-ups of one kind that ask a store: a few at once, the others wait in order. So a crowd of look-ups
 * takes a small part of what the stores can do, and claims keep the rest.
 */
export type LookUpSlots = {
  /**
   * The result of `call`, once it has its turn. @throws QueueFull at once where too many wait, and at its
   * turn where its caller has gone, who costs nothing more
   */
  run<T>(call: () => Promise<T>, isGone?: () => boolean): Promise<T>;
};

export type LookUpSlotsOptions = {
  /** The kind, as errors name it: "look-ups of coupons". */
  readonly what: string;
  readonly atOnceMax: number;
  readonly waitingMax: number;
};

export function createLookUpSlots({ what, atOnceMax, waitingMax }: LookUpSlotsOptions): LookUpSlots {
  const waiting = createFifo<() => void>();
  let running = 0;

  /** Gives the place to the first that waits. */
  function pass(): void {
    const start = waiting.shift();
    if (start === undefined) running -= 1;
    else start();
  }

  function turn(): Promise<void> | undefined {
    if (running < atOnceMax) {
      running += 1;
      return undefined;
    }
    if (waiting.size() >= waitingMax) throw new QueueFull(`${waitingMax} ${what} wait already`);
    return new Promise((resolve) => void waiting.push(resolve));
  }

  return {
    async run(call, isGone = () => false) {
      await turn();
      try {
        if (isGone()) throw new QueueFull(`the caller of one of the ${what} has gone`);
        return await call();
      } finally {
        pass();
      }
    },
  };
}
