import type { HistoryEntry, Outcome } from "./history.ts";
import type { Issuance, Snapshot } from "./snapshot.ts";

export type Issued = Extract<Outcome, { kind: "issued" }>;
export type Refused = Extract<Outcome, { kind: "refused" }>;
export type Acknowledged = { readonly entry: HistoryEntry; readonly coupon: Issued };

/** The snapshot and the history with the indexes that several checks share, each built once. */
export type Facts = {
  readonly snapshot: Snapshot;
  readonly history: readonly HistoryEntry[];
  readonly codes: ReadonlySet<string>;
  readonly issuanceByCode: ReadonlyMap<string, Issuance>;
  readonly issuanceByKey: ReadonlyMap<string, Issuance>;
  /** Per claim key, its first answer with a coupon. */
  readonly firstAnswers: ReadonlyMap<string, Acknowledged>;
  /** Answers with a coupon after the first of their key. */
  readonly laterAnswers: readonly Acknowledged[];
  /** Codes that more than one claim key holds, by any of the three records. */
  readonly contested: ReadonlySet<string>;
};

export function gatherFacts(snapshot: Snapshot, history: readonly HistoryEntry[]): Facts {
  const firstAnswers = new Map<string, Acknowledged>();
  const laterAnswers: Acknowledged[] = [];
  const answers: Acknowledged[] = [];
  for (const entry of history) {
    if (entry.outcome.kind === "issued") answers.push({ entry, coupon: entry.outcome });
  }
  answers.sort((a, b) => a.entry.answeredOrder - b.entry.answeredOrder);
  for (const answer of answers) {
    if (firstAnswers.has(answer.entry.claimKey)) laterAnswers.push(answer);
    else firstAnswers.set(answer.entry.claimKey, answer);
  }
  return {
    snapshot,
    history,
    codes: new Set(snapshot.codes),
    issuanceByCode: new Map(snapshot.issuances.map((issuance) => [issuance.code, issuance])),
    issuanceByKey: new Map(snapshot.issuances.map((issuance) => [issuance.claimKey, issuance])),
    firstAnswers,
    laterAnswers,
    contested: contestedCodes(snapshot, answers),
  };
}

function contestedCodes(snapshot: Snapshot, answers: readonly Acknowledged[]): Set<string> {
  const owner = new Map<string, string>();
  const contested = new Set<string>();
  const claim = (code: string, claimKey: string) => {
    const first = owner.get(code);
    if (first === undefined) owner.set(code, claimKey);
    else if (first !== claimKey) contested.add(code);
  };
  for (const { code, claimKey } of snapshot.issuances) claim(code, claimKey);
  for (const { code, claimKey } of snapshot.redis.claims) claim(code, claimKey);
  for (const { entry, coupon } of answers) claim(coupon.code, entry.claimKey);
  return contested;
}
