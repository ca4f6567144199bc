import type { HistoryEntry, Outcome } from "../../audit/history.ts";
import type { Invariant } from "../../audit/verdict.ts";
import { type Books, STARTS_AT_MS } from "./written-books.ts";

type Coupon = Extract<Outcome, { kind: "issued" }>;
export type Damage = {
  readonly fails: Invariant;
  readonly what: string;
  /**
   * The healthy books to which it is done: of a sale that is sold out, of half a sale, or of a sale whose
   * start was moved and that grew.
   */
  readonly to: "sold-out" | "half" | "grown";
  readonly plant: (books: Books) => void;
};

export function at<T>(list: readonly T[], index: number): T {
  const item = list.at(index);
  if (item === undefined) throw new Error(`no item ${index}`);
  return item;
}

/** The nth answer with a coupon that a key got, writable. */
export function answer(
  books: Books,
  claimKey: string,
  nth: 0 | 1,
): { entry: Books["history"][number]; coupon: Coupon } {
  const entry = at(
    books.history.filter((one) => one.claimKey === claimKey && one.outcome.kind === "issued"),
    nth,
  );
  return { entry, coupon: entry.outcome as Coupon };
}

export function retell(books: Books, claimKey: string, nth: 0 | 1, change: Partial<Coupon>): void {
  const { entry, coupon } = answer(books, claimKey, nth);
  entry.outcome = { ...coupon, ...change };
}

/** Changes a coupon in every place, so that only the change itself is wrong. */
export function rewrite(
  books: Books,
  claimKey: string,
  change: { seq?: number; issuedAtMs?: number; generation?: number },
): void {
  for (const row of [...books.issuances, ...books.claims]) {
    if (row.claimKey === claimKey) Object.assign(row, change);
  }
  retell(books, claimKey, 0, change);
  retell(books, claimKey, 1, change);
}

export function addEntry(
  books: Books,
  entry: Partial<HistoryEntry> & Pick<HistoryEntry, "claimKey" | "outcome">,
): void {
  const invokedOrder = Math.max(0, ...books.history.map((one) => one.answeredOrder)) + 1;
  const atMs = STARTS_AT_MS + 1_000;
  books.history.push({
    invokedAtMs: atMs,
    answeredAtMs: atMs + 1,
    invokedOrder,
    answeredOrder: invokedOrder + 1,
    ...entry,
  });
}

export const refused = (reason: string): Outcome => ({ kind: "refused", reason });
