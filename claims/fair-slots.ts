import type { Cancel, Clock } from "../runtime/clock.ts";

/** The slots of one store, which the queues of all campaigns of a process share. */
export type FairSlots = {
  /** The place of one queue. `wake` is called when a batch that had to wait may begin. */
  join(wake: () => void): SlotShare;
};

export type SlotShare = {
  /** A slot for the next batch; undefined: not now, `wake` will be called. */
  take(waiting: number): Slot | undefined;
};

export type Slot = {
  /** The batch holds at most so many items. */
  readonly most: number;
  /** Call it at the end of the batch, once. */
  end(): void;
};

export type FairSlotsOptions = {
  readonly clock: Pick<Clock, "after" | "elapsed">;
  /**
   * What all campaigns together may have under way while more than one is active, and one of them half of it;
   * in items, where a batch counts as so many more as its fixed price is.
   */
  readonly underWayMax: number;
  readonly fixedPrice: number;
  /** Items of one batch meanwhile. */
  readonly batchMax: number;
};

/** A campaign is active for so long after its last batch began. */
const ACTIVE_MS = 1_000;
/** So often those that are active no more are forgotten. */
const FORGET_EVERY_MS = 100;
/**
 * A batch under way for longer counts no more, for its own campaign neither: its node of a cluster may hang,
 * or its documents be locked, and that must hold up nobody, and no trial of a breaker.
 */
const LAPSE_MS = 100;

type Member = {
  readonly wake: () => void;
  /** Of its batches, in items. */
  underWay: number;
  activeAtMs: number;
  /** The service that it has had, in items, on the scale of `virtual`. */
  finish: number;
};
type Batch = { readonly member: Member; readonly atMs: number; readonly price: number };

/**
 * Start-time fair queueing: each queue's turn comes by the items that it has had so far, so that the few
 * items of a quiet campaign go before the next batch of a busy one. A campaign that is alone has no bounds
 * but those of its queue.
 * Source: Goyal, Vin, Cheng, "Start-time Fair Queuing", SIGCOMM 1996.
 */
export function createFairSlots(options: FairSlotsOptions): FairSlots {
  const { clock, underWayMax, fixedPrice, batchMax } = options;
  const ownMax = underWayMax / 2;
  const active = new Set<Member>();
  const waiting = new Set<Member>();
  /** Those that hold a slot, the oldest first. */
  const holding = new Set<Batch>();
  let held = 0;
  /** The start of the batch that began last. */
  let virtual = 0;
  let forgottenAtMs = Number.NEGATIVE_INFINITY;
  let cancel: Cancel | undefined;

  function forgetIdle(nowMs: number): void {
    if (nowMs - forgottenAtMs < FORGET_EVERY_MS) return;
    forgottenAtMs = nowMs;
    for (const member of active)
      if (nowMs - member.activeAtMs > ACTIVE_MS && member.underWay === 0) active.delete(member);
  }

  function giveBack(batch: Batch): void {
    if (!holding.delete(batch)) return;
    held -= batch.price;
    batch.member.underWay -= batch.price;
  }

  function lapse(nowMs: number): void {
    for (const batch of holding) {
      if (nowMs - batch.atMs < LAPSE_MS) return;
      giveBack(batch);
    }
  }

  const startOf = (member: Member) => Math.max(virtual, member.finish);
  const mayBegin = (member: Member) => held < underWayMax && member.underWay < ownMax;

  /** Whether it is the turn of `one` before `other`; of two that start alike, the less served is first. */
  function isBefore(one: Member, other: Member): boolean {
    const apart = startOf(one) - startOf(other);
    return apart < 0 || (apart === 0 && one.finish < other.finish);
  }

  function nextOne(): Member | undefined {
    if (held >= underWayMax) return undefined;
    let next: Member | undefined;
    for (const member of waiting)
      if (mayBegin(member) && (next === undefined || isBefore(member, next))) next = member;
    return next;
  }

  function serve(): void {
    for (let next = nextOne(); next !== undefined; next = nextOne()) {
      waiting.delete(next);
      next.wake();
    }
    if (waiting.size === 0) {
      cancel?.();
      cancel = undefined;
    }
    // A timer may come a little early.
    else
      cancel ??= clock.after(LAPSE_MS + 1, () => {
        cancel = undefined;
        lapse(clock.elapsed());
        serve();
      });
  }

  function begin(member: Member, items: number, nowMs: number, most: number): Slot {
    const size = Math.min(items, most);
    // One of a campaign that was alone counts for the bounds as the largest one of several does.
    const batch = { member, atMs: nowMs, price: fixedPrice + Math.min(size, batchMax) };
    const start = startOf(member);
    virtual = start;
    member.finish = start + fixedPrice + size;
    member.underWay += batch.price;
    holding.add(batch);
    held += batch.price;
    return {
      most,
      end() {
        giveBack(batch);
        if (waiting.size > 0) serve();
      },
    };
  }

  return {
    join(wake) {
      const member: Member = { wake, underWay: 0, activeAtMs: 0, finish: 0 };
      return {
        take(items) {
          const nowMs = clock.elapsed();
          member.activeAtMs = nowMs;
          active.add(member);
          forgetIdle(nowMs);
          if (active.size === 1) return begin(member, items, nowMs, Number.POSITIVE_INFINITY);
          if (!mayBegin(member)) {
            lapse(nowMs);
            // Not this one: its queue is asking just now.
            waiting.delete(member);
            serve();
          }
          if (mayBegin(member)) return begin(member, items, nowMs, batchMax);
          waiting.add(member);
          serve();
          return undefined;
        },
      };
    },
  };
}
