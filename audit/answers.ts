import type { HistoryEntry, Outcome } from "./history.ts";
import type { Register, Told } from "./register.ts";
import type { CampaignRecord } from "./snapshot.ts";
import type { Column } from "./table.ts";

export type Issued = Extract<Outcome, { kind: "issued" }>;

/**
 * The callers' own records, by claim key. The first reading finds each key's first answer; the second reading
 * compares the other answers with it, so that the order of the entries does not matter.
 */
export type Answers = {
  /**
   * By key: its first answer with a coupon; `order` is infinite where there is none. Generation -1: the
   * answer did not carry it.
   */
  readonly first: Told & { readonly order: Column };
  /** By key: the first request that may have made a claim; one with a definite refusal made none. */
  readonly asked: Column;
  counts(): { readonly entries: number; readonly answers: number; readonly wanting: number };
  read(entry: HistoryEntry): void;
};

/**
 * Refusals after which a key does not count as wanting a coupon: the rules refused it, not the stock.
 */
const NO_DEMAND = new Set([
  "MAX_PER_USER",
  "NOT_STARTED",
  "ENDED",
  "CANCELLED",
  "PAUSED",
  "INVALID",
  "UNKNOWN_CAMPAIGN",
  "NO_COUPON",
  "CONFLICT",
]);

/**
 * How long after an addition is recorded its codes may take to reach the pool: a second's wait, and some time
 * to make the codes.
 */
const GROWS_MS = 5_000;

export function createAnswers(
  register: Register,
  { startsAtMs, endsAtMs, growth = [] }: Pick<CampaignRecord, "startsAtMs" | "endsAtMs" | "growth">,
): Answers {
  const { codes, keys } = register;
  /** A key that got SOLD_OUT before this does not count as wanting one of the coupons added later. */
  const grownAtMs = growth.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  const first = {
    order: keys.float64(Number.POSITIVE_INFINITY),
    code: keys.int32(-1),
    generation: keys.int32(-1),
    seq: keys.int32(0),
    atMs: keys.float64(0),
  };
  const asked = keys.float64(Number.POSITIVE_INFINITY);
  /** By key: whether it wants a coupon (`it`), by its last answer (`until`: the order of that answer). */
  const wants = { until: keys.float64(Number.NEGATIVE_INFINITY), it: keys.uint8() };
  const counts = { entries: 0, answers: 0, wanting: 0 };

  function readAnswer(key: number, coupon: Issued, order: number): void {
    counts.answers += 1;
    const code = codes.slotOf(coupon.code);
    register.tell(code, key);
    if (order >= first.order.get(key)) return;
    first.order.set(key, order);
    first.code.set(key, code);
    first.generation.set(key, coupon.generation ?? -1);
    first.seq.set(key, coupon.seq);
    first.atMs.set(key, coupon.issuedAtMs);
  }

  /** False: the rules refused it, not the stock; or the stock did, before coupons were added. */
  function isDemand({ outcome, invokedAtMs, answeredAtMs }: HistoryEntry): boolean {
    if (invokedAtMs < startsAtMs || (endsAtMs !== undefined && answeredAtMs >= endsAtMs)) return false;
    if (outcome.kind !== "refused") return true;
    return (
      !NO_DEMAND.has(outcome.reason) && (outcome.reason !== "SOLD_OUT" || invokedAtMs >= grownAtMs + GROWS_MS)
    );
  }

  /** A key with a coupon wanted one, whatever answers follow; for any other key the last answer counts. */
  function readDemand(key: number, entry: HistoryEntry): void {
    const order = entry.outcome.kind === "issued" ? Number.POSITIVE_INFINITY : entry.answeredOrder;
    if (order <= wants.until.get(key)) return;
    wants.until.set(key, order);
    const is = entry.outcome.kind === "issued" || isDemand(entry) ? 1 : 0;
    counts.wanting += is - wants.it.get(key);
    wants.it.set(key, is);
  }

  return {
    ...{ first, asked },
    counts: () => counts,
    read(entry) {
      const { claimKey, outcome, invokedOrder, answeredOrder } = entry;
      counts.entries += 1;
      const key = keys.slotOf(claimKey);
      if (outcome.kind === "issued") readAnswer(key, outcome, answeredOrder);
      if (outcome.kind !== "refused" || outcome.reason === "UNCERTAIN")
        asked.set(key, Math.min(asked.get(key), invokedOrder));
      readDemand(key, entry);
    },
  };
}
