import type { HistoryEntry, Outcome } from "./history.ts";
import type { Register, Told } from "./register.ts";
import type { Column } from "./table.ts";

export type Issued = Extract<Outcome, { kind: "issued" }>;

/**
 * What the callers' own records say, by claim key. The first reading finds each key's first answer; what is compared with it comes in
 * a second reading, so that the order of the entries does not matter.
 */
export type Answers = {
  /** By key: its first answer with a coupon; `order` is infinite where there is none. Generation -1: it was not told. */
  readonly first: Told & { readonly order: Column };
  /** By key: the first ask that may have made a claim: an ask that was refused for certain made none. */
  readonly asked: Column;
  /** By key: 1 where it asked after the start and was not refused by the rules. */
  readonly wanted: Column;
  counts(): { readonly entries: number; readonly answers: number; readonly wanting: number };
  read(entry: HistoryEntry): void;
};

/** Refusals after which the caller cannot complain that a coupon was left: the rules said no, not the stock. */
const NO_DEMAND = new Set([
  "NOT_STARTED",
  "ENDED",
  "CANCELLED",
  "PAUSED",
  "INVALID",
  "UNKNOWN_CAMPAIGN",
  "NO_COUPON",
  "CONFLICT",
]);

export function createAnswers(register: Register, startsAtMs: number, endsAtMs: number | undefined): Answers {
  const { codes, keys } = register;
  const first = {
    order: keys.float64(Number.POSITIVE_INFINITY),
    code: keys.int32(-1),
    generation: keys.int32(-1),
    seq: keys.int32(0),
    atMs: keys.float64(0),
  };
  const asked = keys.float64(Number.POSITIVE_INFINITY);
  const wanted = keys.uint8();
  const counts = { entries: 0, answers: 0, wanting: 0 };

  function readAnswer(key: number, coupon: Issued, order: number): void {
    counts.answers += 1;
    const code = codes.slotOf(coupon.code);
    register.own(code, key);
    if (order >= first.order.get(key)) return;
    first.order.set(key, order);
    first.code.set(key, code);
    first.generation.set(key, coupon.generation ?? -1);
    first.seq.set(key, coupon.seq);
    first.atMs.set(key, coupon.issuedAtMs);
  }

  return {
    ...{ first, asked, wanted },
    counts: () => counts,
    read({ claimKey, outcome, invokedAtMs, answeredAtMs, invokedOrder, answeredOrder }) {
      counts.entries += 1;
      const key = keys.slotOf(claimKey);
      if (outcome.kind === "issued") readAnswer(key, outcome, answeredOrder);
      if (outcome.kind !== "refused" || outcome.reason === "UNCERTAIN")
        asked.set(key, Math.min(asked.get(key), invokedOrder));
      const wants =
        invokedAtMs >= startsAtMs &&
        (endsAtMs === undefined || answeredAtMs < endsAtMs) &&
        !(outcome.kind === "refused" && NO_DEMAND.has(outcome.reason));
      if (wants && wanted.get(key) === 0) {
        wanted.set(key, 1);
        counts.wanting += 1;
      }
    },
  };
}
