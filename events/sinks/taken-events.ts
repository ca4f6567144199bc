import type { CloudEvent } from "../cloud-event.ts";

/**
 * What a receiver has taken of a delivery that failed in the middle: the next attempt leaves it out. It is
 * forgotten when the process ends.
 */
export type TakenEvents = {
  /** Those that the receiver has not taken yet. */
  left(events: readonly CloudEvent[]): CloudEvent[];
  take(events: readonly CloudEvent[]): void;
  /** All of a delivery were taken, and are not delivered again. */
  forget(events: readonly CloudEvent[]): void;
};

/** Beyond it, the oldest are forgotten, and may be delivered once more. */
const KEPT_MAX = 10_000;

export function createTakenEvents(): TakenEvents {
  const taken = new Set<string>();
  const keyOf = ({ source, id }: CloudEvent) => `${source} ${id}`;
  return {
    left: (events) => events.filter((event) => !taken.has(keyOf(event))),
    take(events) {
      for (const event of events) taken.add(keyOf(event));
      for (const key of taken) {
        if (taken.size <= KEPT_MAX) return;
        taken.delete(key);
      }
    },
    forget(events) {
      for (const event of events) taken.delete(keyOf(event));
    },
  };
}
