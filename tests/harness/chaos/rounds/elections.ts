import { setTimeout as sleep } from "node:timers/promises";
import type { ReplicaSet } from "../../../support/replica-set/replica-set.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { part, proveRepeated, proveUnknown } from "./proofs.ts";

/** A stock replica set takes up to ten seconds or more; none of these outlives COMMIT_DEADLINE_MS. */
const ELECTED_AFTER_MS = 300;
const ELECTED_AFTER_MORE_MS = 500;
/** Longer than COMMIT_DEADLINE_MS: the answers of the old primary come when nobody waits for them. */
const LONG_PARTITION_MS = 5_000;
const NOTHING_CONFIRMED_MS = 2_500;
/** Sooner than the write concern's own time-out, which is the deadline of the insert. */
const UNCONFIRMED_AFTER_MS = 200;
const ground = { replicaSet: true } as const;
/** Callers keep arriving until the last fault has struck. */
const LONGER_SALE = { total: 700, users: 860, overMs: 5_000 } as const;
const LONG_SALE = { ...LONGER_SALE, overMs: 9_000 } as const;

function setOf({ ground: { replicaSet } }: Sale): ReplicaSet {
  if (replicaSet === undefined) throw new Error("this round has no replica set");
  return replicaSet;
}

const electedAfterMs = (sale: Sale) => ELECTED_AFTER_MS + sale.random() * ELECTED_AFTER_MORE_MS;

/** Waits for the fault, or for the end of the sale without it, which the proofs then tell. */
function untilStruck(sale: Sale, what: string, hasStruck: () => boolean): Promise<void> {
  return sale.untilTrue(what, () => hasStruck() || sale.issued() >= sale.plan.total);
}

/** Lets each fault strike at its share of the sale, and waits for the election that follows. */
async function electAt(
  sale: Sale,
  shares: readonly number[],
  strike: (set: ReplicaSet) => void,
): Promise<void> {
  const set = setOf(sale);
  for (const share of shares) {
    await part(sale, share);
    const before = set.count("elections");
    strike(set);
    await untilStruck(sale, "another primary is elected", () => set.count("elections") > before);
    sale.faultOver();
  }
  sale.prove("elections", set.count("elections"), shares.length);
}

/** Each of these things happened; and no read that a secondary could answer, which lags, was made. */
function proveReached(sale: Sale, things: Readonly<Record<string, number>>): void {
  const set = setOf(sale);
  for (const [what, least] of Object.entries(things)) sale.prove(what, set.count(what), least);
  const reads = set.count("secondary-reads");
  if (reads > 0) sale.found("READS", `${reads} reads went to a secondary, which had nothing of the sale yet`);
}

/** Elections, and writes that no majority has, in a stand-in for a replica set of MongoDB. */
export const electionRounds: readonly Round[] = [
  {
    name: "step-down-mid-insert",
    quick: true,
    ground,
    sale: LONGER_SALE,
    act: (sale) =>
      electAt(sale, [0.1, 0.3, 0.5, 0.65], (set) => set.stepDownAtInserts(1, electedAfterMs(sale))),
    async after(sale) {
      const codes = { InterruptedDueToReplStateChange: 1, PrimarySteppedDown: 1 };
      proveReached(sale, { "interrupted-before": 1, "interrupted-after": 1, ...codes });
      await proveRepeated(sale);
    },
  },
  {
    name: "shut-down-mid-insert",
    ground,
    sale: LONGER_SALE,
    act: (sale) => electAt(sale, [0.15, 0.4, 0.65], (set) => set.shutDownAtInserts(1, electedAfterMs(sale))),
    async after(sale) {
      proveReached(sale, { ShutdownInProgress: 1, InterruptedAtShutdown: 1 });
      await proveRepeated(sale);
    },
  },
  {
    // The old primary does not know that it is none any more, and answers late: first when the servers have
    // given its inserts up, and then while they still wait.
    name: "primary-partitioned",
    ground,
    sale: LONG_SALE,
    async act(sale) {
      const set = setOf(sale);
      for (const [share, forMs] of [
        [0.1, LONG_PARTITION_MS],
        [0.75, 0],
      ] as const) {
        await part(sale, share);
        const [held, elections] = [set.count("held"), set.count("elections")];
        const partition = set.partitionPrimary(electedAfterMs(sale));
        await untilStruck(sale, "an insert is held", () => set.count("held") > held);
        await sale.untilTrue("another is elected", () => set.count("elections") > elections);
        await sleep(forMs);
        partition.heal();
        sale.faultOver();
      }
    },
    async after(sale) {
      proveReached(sale, { partitions: 2, elections: 2, held: 2, InterruptedDueToReplStateChange: 2 });
      proveUnknown(sale);
      await proveRepeated(sale);
    },
  },
  {
    // The primary has the inserts, and half of them are undone, as by the election that ends such a time.
    name: "unmet-write-concern",
    ground,
    sale: LONGER_SALE,
    async act(sale) {
      const set = setOf(sale);
      for (const [share, codeName] of [
        [0.2, "WriteConcernTimeout"],
        [0.5, "UnsatisfiableWriteConcern"],
      ] as const) {
        await part(sale, share);
        const confirmAgain = set.confirmNothing(codeName, UNCONFIRMED_AFTER_MS);
        await untilStruck(sale, codeName, () => set.count(codeName) > 0);
        await sleep(NOTHING_CONFIRMED_MS);
        confirmAgain();
        sale.faultOver();
      }
    },
    async after(sale) {
      proveReached(sale, { WriteConcernTimeout: 1, UnsatisfiableWriteConcern: 1, undone: 1 });
      proveUnknown(sale);
    },
  },
  {
    name: "interrupted-inserts",
    ground,
    sale: LONGER_SALE,
    async act(sale) {
      const set = setOf(sale);
      for (const share of [0.1, 0.4, 0.7]) {
        await part(sale, share);
        const before = set.count("interrupted-in-the-middle");
        set.interruptInserts(2);
        const hasStruck = () => set.count("interrupted-in-the-middle") >= before + 2;
        await untilStruck(sale, "two inserts are interrupted", hasStruck);
        sale.faultOver();
      }
    },
    async after(sale) {
      proveReached(sale, { "interrupted-in-the-middle": 6 });
      await proveRepeated(sale);
    },
  },
];
