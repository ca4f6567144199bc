import { createHash } from "node:crypto";

/** The title of each invariant, as on docs/guarantees.md. */
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
  U14: "the event log has all of it once, in order",
  R1: "redeemed at most as often as allowed",
  R2: "every acknowledged redemption is on record",
  R3: "none without a live reservation or in one step",
  R4: "none outside of the validity",
} as const;

/** The invariants that the stores at rest cannot show. The fault harness observes them during a run. */
export const RUN_INVARIANTS = {
  U9: "opens by itself, and soon",
  U11: "everybody has an answer soon after",
  U12: "the generation only rises",
  U13: "no change without credentials, no secret in a log",
} as const;

export type Invariant = keyof typeof INVARIANTS | keyof typeof RUN_INVARIANTS;

/**
 * The second check of U5: while the sale is live, a claim whose issuance is not confirmed durable is no
 * fault.
 */
export const NOTHING_UNDER_WAY = "nothing is left under way";

export type Verdict = {
  readonly invariant: Invariant;
  /** The title of the check. */
  readonly title: string;
  /** No violation was found. */
  readonly ok: boolean;
  /** Why it is unknown whether it holds: all that could be checked is right, but not all could be. */
  readonly notJudged?: string;
  /**
   * With notJudged: it could have been judged, and something prevented that. Absent: the sale goes on, or
   * only the callers' records could show it.
   */
  readonly prevented?: true;
  /** How many violations there are. */
  readonly count: number;
  /** How many things were checked: a check of nothing proves nothing. */
  readonly checked: number;
  /** The first few violations; codes and claim keys only as places or fingerprints. */
  readonly offenders: readonly Offender[];
  readonly detail: string;
};

/** `prevented`: the campaign needs its pool, so a later audit can judge it. */
export type Unusable = { readonly why: string; readonly prevented: boolean };

/** How a report names a code: by numbers that the service gave it, from which the code cannot be guessed. */
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
   * `kind` names the mistake without numbers: with `what` (its subject) it identifies the same violation in
   * another reading. `said` is what is wrong with the subject; absent: the violation is about the campaign as
   * a whole, and `what` is the whole sentence.
   */
  violation(kind: string, what: Named | string, said?: string): void;
  /**
   * The same about the campaign as a whole, where a live sale cannot excuse it: it counts whatever an earlier
   * reading found.
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

/** Collects the violations of one invariant: it counts all of them and keeps a limited number. */
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

/** Reports that a check cannot judge the pool. */
export function tellUnusable(findings: Findings, { why, prevented }: Unusable): void {
  if (prevented) findings.prevented(why);
  else findings.notJudged(why);
}

/**
 * A code without an ordinal or issuance, as it may be shown: 16 bits of its hash distinguish two codes, and
 * leave thousands of candidates for any format.
 */
export function redactCode(code: string): string {
  return `code#${fingerprint(code).slice(0, 4)}`;
}

/** A claim key as it may be shown: a caller that presents a request id gets its coupon. */
export function redactKey(claimKey: string): string {
  return `key#${fingerprint(claimKey).slice(0, 8)}`;
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
