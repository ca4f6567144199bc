import { createHash } from "node:crypto";

/** What each invariant says, in the words of docs/architecture.md and the design. */
export const INVARIANTS = {
  U1: "one owner per code",
  U2: "every acknowledged coupon is recorded",
  U3: "never more than N, never a foreign code",
  U4: "same key, same coupon",
  U5: "at rest the books balance",
  U6: "nothing stranded",
  U7: "no false sold-out",
  U8: "never early",
  U10: "first come, first served",
} as const;

/** What the books at rest cannot show: how a run went. The fault harness watches these. */
export const RUN_INVARIANTS = {
  U9: "opens by itself, and soon",
  U11: "everybody has an answer soon after",
  U12: "the generation only rises",
  U13: "no change without credentials, no secret in a log",
} as const;

export type Invariant = keyof typeof INVARIANTS | keyof typeof RUN_INVARIANTS;

export type Verdict = {
  readonly invariant: Invariant;
  readonly ok: boolean;
  /** How many violations there are. */
  readonly count: number;
  /** How many things were looked at: a check that looked at nothing proves nothing. */
  readonly checked: number;
  /** The first few violations; codes and claim keys only as fingerprints. */
  readonly examples: readonly string[];
  readonly detail: string;
};

const EXAMPLES_MAX = 5;

/** Gathers the violations of one invariant; bounded in what it keeps, not in what it counts. */
export function createFindings(invariant: Invariant): {
  violation(words: string): void;
  verdict(checked: number, detail: string): Verdict;
} {
  let count = 0;
  const examples: string[] = [];
  return {
    violation(words) {
      count += 1;
      if (examples.length < EXAMPLES_MAX) examples.push(words);
    },
    verdict: (checked, detail) => ({ invariant, ok: count === 0, count, checked, examples, detail }),
  };
}

/** A code as it may be shown: 16 bits of its hash tell two apart, and leave thousands of candidates for any format. */
export function redactCode(code: string): string {
  return `code#${fingerprint(code).slice(0, 4)}`;
}

/** A claim key as it may be shown: whoever presents a request id gets its coupon. */
export function redactKey(claimKey: string): string {
  return `key#${fingerprint(claimKey).slice(0, 8)}`;
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
