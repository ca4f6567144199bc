import fc from "fast-check";
import type { Outcome } from "../../audit/history.ts";
import type { Issuance } from "../../audit/snapshot.ts";
import { type Books, codeOf, emptyBooks, STARTS_AT_MS } from "../support/written-books.ts";

/** One call: the user, the instant, the travel time there and back, and whether the answer arrives. */
export type Ask = {
  readonly user: number;
  readonly invokedMs: number;
  readonly thereMs: number;
  readonly backMs: number;
  readonly answerLost: boolean;
};

export type Sale = { readonly total: number; readonly rebuildAtMs: number; readonly asks: readonly Ask[] };

export const sales: fc.Arbitrary<Sale> = fc.record({
  total: fc.integer({ min: 1, max: 20 }),
  rebuildAtMs: fc.integer({ min: 0, max: 400 }),
  asks: fc.array(
    fc.record({
      user: fc.integer({ min: 0, max: 40 }),
      invokedMs: fc.integer({ min: -50, max: 300 }),
      thereMs: fc.integer({ min: 0, max: 20 }),
      backMs: fc.integer({ min: 0, max: 20 }),
      answerLost: fc.boolean(),
    }),
    { maxLength: 120, size: "max" },
  ),
});

/**
 * The books of a correct issuer after these calls: it decides in order of arrival, and raises the generation
 * once, at `rebuildAtMs`.
 */
export function simulate({ total, rebuildAtMs, asks }: Sale): Books {
  const books = emptyBooks(total);
  const held = new Map<string, Issuance>();
  let seq = 0;
  let generation = 1;
  // Orders leave room for ties within a millisecond: they are nanoseconds, with the arrival's number as the
  // last digits.
  const order = (ms: number, index: number) => (ms + 1_000) * 1e6 + index;
  const arrivals = asks
    .map((ask, index) => ({ ...ask, index, decidedMs: ask.invokedMs + ask.thereMs }))
    .sort((a, b) => a.decidedMs - b.decidedMs || a.index - b.index);
  for (const { user, invokedMs, decidedMs, backMs, answerLost, index } of arrivals) {
    const claimKey = `user-${user}`;
    if (generation === 1 && decidedMs >= rebuildAtMs) {
      generation = 2;
      seq = 0;
    }
    const outcome = decide(claimKey, decidedMs);
    const answeredMs = decidedMs + backMs;
    books.history.push({
      claimKey,
      invokedAtMs: STARTS_AT_MS + invokedMs,
      answeredAtMs: STARTS_AT_MS + answeredMs,
      // All invocations of a millisecond come before its answers: as concurrent as the instants allow.
      invokedOrder: order(invokedMs, index),
      answeredOrder: order(answeredMs, index) + 500_000,
      outcome: answerLost ? { kind: "unknown", message: "connection reset" } : outcome,
    });
  }
  Object.assign(books.campaign, { generation, state: held.size === total ? "SOLD_OUT" : "OPEN" });
  Object.assign(books.meta ?? {}, { generation });
  books.open = books.codes.slice(held.size);
  return books;

  function decide(claimKey: string, atMs: number): Outcome {
    const known = held.get(claimKey);
    if (known !== undefined) return told(known, true);
    if (atMs < 0) return { kind: "refused", reason: "NOT_STARTED" };
    if (held.size === total) return { kind: "refused", reason: "SOLD_OUT" };
    seq += 1;
    const issuedAtMs = STARTS_AT_MS + atMs;
    const issuance = { code: codeOf(held.size), claimKey, generation, seq, issuedAtMs };
    held.set(claimKey, issuance);
    books.issuances.push({ ...issuance });
    books.claims.push({ ...issuance });
    return told(issuance, false);
  }
}

function told({ code, seq, issuedAtMs }: Issuance, replayed: boolean): Outcome {
  return { kind: "issued", code, seq, issuedAtMs, replayed };
}
