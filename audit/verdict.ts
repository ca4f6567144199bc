import { createHash } from "node:crypto";

/** What each invariant says, in the words of docs/guarantees.md. */
export const INVARIANTS = {
  U1: "one owner per code",
  U2: "every acknowledged coupon is recorded",
  U3: "never more than N, never a foreign code",
  U4: "same key, same coupon",
  U5: "the books balance",
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

/**
 * The second check of U5: a claim whose issuance is not confirmed durable is nobody's fault while the sale is
 * live.
 */
export const NOTHING_UNDER_WAY = "nothing is left under way";

export type Verdict = {
  readonly invariant: Invariant;
  /** What it says, in words. */
  readonly title: string;
  /** No violation was found. */
  readonly ok: boolean;
  /** Why it cannot be said whether it holds: what was looked at is right, and more cannot be looked at. */
  readonly notJudged?: string;
  /**
   * With notJudged: it is not that the sale goes on or that only callers know; it could have been judged, and
   * something was in the way.
   */
  readonly prevented?: true;
  /** How many violations there are. */
  readonly count: number;
  /** How many things were looked at: a check that looked at nothing proves nothing. */
  readonly checked: number;
  /** The first few violations; codes and claim keys only as places or fingerprints. */
  readonly offenders: readonly Offender[];
  readonly detail: string;
};

/** `prevented`: the campaign needs its pool, so that another time something can be said. */
export type Unusable = { readonly why: string; readonly prevented: boolean };

/** How a code may be told: by numbers that we gave it, from which nothing of it can be guessed. */
export type Named = {
  readonly name: string;
  /** Its place among the campaign's codes: `coupons {campaignId, ordinal}` is the document. */
  readonly ordinal?: number;
  /** Its place in the issue order: `issuances {campaignId, generation, seq}` is the document. */
  readonly generation?: number;
  readonly seq?: number;
};

/** One violation. */
export type Offender = Omit<Named, "name"> & { readonly words: string };

export type FindingsOptions = {
  readonly title?: string;
  readonly offendersMax?: number;
  /**
   * Violations found by an earlier reading, by their kind and what they are about: only these count;
   * undefined: all do.
   */
  readonly only?: ReadonlySet<string> | undefined;
};

export type Findings = {
  /**
   * `kind` names the mistake in words that no number can change: with `what` (what it is about) it is the
   * same violation in another reading. `said` is what is wrong with it; without, it is about the campaign as
   * a whole, and `what` says it all.
   */
  violation(kind: string, what: Named | string, said?: string): void;
  /**
   * The same of the campaign as a whole, where nothing that moves can excuse it: it counts whatever an
   * earlier reading found.
   */
  certain(kind: string, words: string): void;
  notJudged(why: string): void;
  /** It could have been judged. */
  prevented(why: string): void;
  verdict(checked: number, detail: string): Verdict;
  /** All violations, to compare with those of another reading; undefined: too many to keep. */
  suspects(): ReadonlySet<string> | undefined;
};

const OFFENDERS_MAX = 5;
const SUSPECTS_MAX = 10_000;

/** Gathers the violations of one invariant; bounded in what it keeps, not in what it counts. */
export function createFindings(invariant: Invariant, options: FindingsOptions = {}): Findings {
  const { title, offendersMax = OFFENDERS_MAX, only } = options;
  let count = 0;
  let unjudged: Pick<Verdict, "notJudged" | "prevented"> | undefined;
  const offenders: Offender[] = [];
  const suspects = new Set<string>();

  function add(suspect: string, offender: Offender): void {
    count += 1;
    if (offenders.length < offendersMax) offenders.push(offender);
    if (suspects.size <= SUSPECTS_MAX) suspects.add(suspect);
  }

  return {
    violation(kind, what, said) {
      const { name, ...ids } = typeof what === "string" ? { name: what } : what;
      const suspect = said === undefined ? kind : `${kind}: ${name}`;
      if (only === undefined || only.has(suspect)) add(suspect, { ...ids, words: `${name}${said ?? ""}` });
    },
    certain: (kind, words) => add(kind, { words }),
    notJudged(why) {
      unjudged ??= { notJudged: why };
    },
    prevented(why) {
      unjudged = { notJudged: why, prevented: true };
    },
    verdict: (checked, detail) => ({
      invariant,
      title: title ?? { ...INVARIANTS, ...RUN_INVARIANTS }[invariant],
      ok: count === 0,
      ...(count > 0 ? {} : unjudged),
      count,
      checked,
      offenders,
      detail,
    }),
    suspects: () => (suspects.size > SUSPECTS_MAX ? undefined : suspects),
  };
}

/** Says of a check that it cannot look into the pool. */
export function tellUnusable(findings: Findings, { why, prevented }: Unusable): void {
  if (prevented) findings.prevented(why);
  else findings.notJudged(why);
}

/**
 * A code that has no place of ours, as it may be shown: 16 bits of its hash tell two apart, and leave
 * thousands of candidates for any format.
 */
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
