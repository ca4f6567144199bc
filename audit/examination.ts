import { createAnswers } from "./answers.ts";
import type { Change } from "./changes.ts";
import { isYoung } from "./check-books.ts";
import type { LogFacts, LoggedEntry, LogPart } from "./event-log.ts";
import {
  type Check,
  type Facts,
  ONE_MACHINE,
  type Ordered,
  type PoolFacts,
  type Tolerances,
} from "./facts.ts";
import type { HistoryEntry } from "./history.ts";
import { KINDS } from "./kinds.ts";
import { FINAL, hasMoved, unusableBecause } from "./pool-changes.ts";
import { pseudonymsOf } from "./pseudonyms.ts";
import type { RedemptionRecord, ToldRedemption } from "./redemptions.ts";
import { createRegister } from "./register.ts";
import type { CampaignRecord, Issuance, PoolMark } from "./snapshot.ts";
import { DEFAULT_TIMINGS, type Timings } from "./timings.ts";
import { createFindings, type Verdict } from "./verdict.ts";

export type ExaminationOptions = {
  readonly tolerances?: Tolerances;
  readonly timings?: Timings;
  /**
   * What is examined: `all`: both stores and the callers' records; `stores`: the stores alone; `outside`: the
   * callers' records and the issuances, without unissued codes and Redis.
   */
  readonly scope: "all" | "stores" | "outside";
  /**
   * `demanded`: anything that is not at rest is wrong. `observed`: the sale may be live; checks that cannot
   * be judged then are reported as not judged.
   */
  readonly rest: "demanded" | "observed";
  readonly offendersMax?: number;
  /** ERASURE_KEY: with it, users who were erased are recognised. */
  readonly erasureKey?: string | undefined;
  /** The violations that an earlier examination of a live sale found: only those found again count. */
  readonly suspects?: Suspects | undefined;
};

/** By check: the violations found; undefined: too many to keep, all of them count. */
export type Suspects = ReadonlyMap<string, ReadonlySet<string> | undefined>;

/**
 * One audit under way: the caller passes in the stores' contents page by page, in the order of the methods,
 * then the histories twice. Only a few numbers a coupon are kept. Pure: the same input, the same verdicts.
 */
export type Examination = {
  made(code: string, ordinal: number): void;
  pooled(code: string): void;
  bound(claim: Issuance): void;
  /** A ledger entry, by its id `generation-seq`. */
  underWay(id: string, ageMs: number): void;
  /** The parts of its event log in the order of all logs, what is on record about it, and its entries. */
  part(part: LogPart): void;
  log(log: LogFacts): void;
  logged(entry: LoggedEntry): void;
  /** The issuances, in issue order. */
  issued(issuance: Issuance): void;
  /** Confirmations that callers were answered, then the redemptions on record, read after them. */
  toldRedemption(told: ToldRedemption): void;
  redemption(record: RedemptionRecord): void;
  /** The campaign's record once more, after codes and issuances: coupons may have been added meanwhile. */
  orderedAfter(record: Ordered): void;
  /** The campaign's changes, after the event log. */
  changes(changes: readonly Change[]): void;
  /** The first and the second reading of the histories. */
  told(entry: HistoryEntry): void;
  toldAgain(entry: HistoryEntry): void;
  /** The pool before (undefined: it cannot have changed meanwhile) and after its contents were read. */
  marks(before: PoolMark | undefined, after: PoolMark): void;
  /** Called when all is read. Runs in steps, so that a server can do other work in between. */
  conclude(): Generator<void, readonly Verdict[]>;
  suspects(): Suspects;
  readonly issuedCount: number;
  /**
   * After `conclude`: the number of different codes that callers were given, and how many of those are issued
   * in this campaign.
   */
  readonly toldCodes: { readonly all: number; readonly issued: number };
  readonly live: boolean;
};

/** Why checks that need the callers' records are not judged. */
const NO_ENTRIES = "the callers' records hold no entry";

const SLOTS_A_STEP = 10_000;

export function examine(campaign: CampaignRecord, options: ExaminationOptions): Examination {
  const { scope, rest, suspects: earlier, tolerances = ONE_MACHINE, offendersMax } = options;
  const { timings = DEFAULT_TIMINGS, erasureKey } = options;
  const pseudonymOf = erasureKey === undefined ? undefined : pseudonymsOf(erasureKey, campaign.id);
  const register = createRegister(campaign.total);
  const answers = createAnswers(register, campaign);
  const underWay = new Map<string, number>();
  const counts = { issued: 0, made: 0, beyond: 0, pooled: 0, bound: 0 };
  let pool: PoolFacts | undefined;
  let most: Ordered = campaign;
  let live = false;
  const toldCodes = { all: 0, issued: 0 };

  const facts: Facts = {
    ...{ campaign, register, answers, tolerances, timings, pseudonymOf },
    codesAreKnown: scope !== "outside",
    get issued() {
      return counts.issued;
    },
    get made() {
      return counts.made;
    },
    get beyond() {
      return counts.beyond;
    },
    get most() {
      return most;
    },
    get pool() {
      return pool;
    },
    get live() {
      return live;
    },
  };
  const checks = KINDS.filter(({ of, inside }) =>
    scope === "stores" ? of !== "histories" : scope === "all" || inside !== true,
  ).map(({ invariant, title = "", make, of }) => {
    const name = `${invariant} ${title}`;
    const only = earlier?.get(name);
    const findings = createFindings(invariant, {
      ...(title === "" ? {} : { title }),
      ...(offendersMax === undefined ? {} : { offendersMax }),
      only,
    });
    return { name, of, findings, check: make(facts, findings) };
  });
  const onIssued = checks.flatMap(({ check }) => (check.issued === undefined ? [] : [check.issued]));
  const onEntry = checks.flatMap(({ check }) => (check.entry === undefined ? [] : [check.entry]));
  const onCode = checks.flatMap(({ check }) => (check.code === undefined ? [] : [check.code]));
  const onKey = checks.flatMap(({ check }) => (check.key === undefined ? [] : [check.key]));

  /** Tells each check that wants to know it. */
  const toAll =
    <T>(of: (check: Check) => ((what: T) => void) | undefined) =>
    (what: T) => {
      for (const { check } of checks) of(check)?.(what);
    };

  /** Callers' records have the id of a user who was erased since. */
  function asRecorded(entry: HistoryEntry): HistoryEntry {
    const claimKey = campaign.erasure === undefined ? undefined : pseudonymOf?.(entry.claimKey);
    return claimKey === undefined || register.keys.find(claimKey) === -1 ? entry : { ...entry, claimKey };
  }

  function countTold(code: number): void {
    if (!register.has(code, "told")) return;
    toldCodes.all += 1;
    if (register.has(code, "issued")) toldCodes.issued += 1;
  }

  function* sweep(size: number, looks: readonly ((slot: number) => void)[]): Generator<void> {
    for (let slot = 0; slot < size; slot += 1) {
      for (const look of looks) look(slot);
      if (slot % SLOTS_A_STEP === SLOTS_A_STEP - 1) yield;
    }
  }

  return {
    made(code, ordinal) {
      register.made(code, ordinal);
      if (ordinal < campaign.total) counts.made += 1;
      else counts.beyond += 1;
    },
    pooled(code) {
      counts.pooled += 1;
      register.pooled(code);
    },
    bound(claim) {
      if (register.bind(claim)) counts.bound += 1;
    },
    underWay: (id, ageMs) => void underWay.set(id, ageMs),
    part: toAll((check) => check.part),
    log: toAll((check) => check.log),
    logged: toAll((check) => check.logged),
    issued(issuance) {
      counts.issued += 1;
      const { code, key } = register.issue(issuance);
      const heldBefore = register.held.get(key);
      for (const look of onIssued) look(code, key, heldBefore, issuance);
      if (heldBefore === -1) register.held.set(key, code);
    },
    toldRedemption: toAll((check) => check.toldRedemption),
    redemption: toAll((check) => check.redemption),
    orderedAfter(record) {
      most = record;
    },
    changes: toAll((check) => check.changes),
    told: (entry) => answers.read(asRecorded(entry)),
    toldAgain(entry) {
      const key = register.keys.find(asRecorded(entry).claimKey);
      for (const look of onEntry) look(entry, key);
    },
    marks(before, after) {
      const { pooled, bound } = counts;
      const observed = rest === "observed";
      live =
        observed &&
        (hasMoved(before, after) || [...underWay.values()].some((ageMs) => isYoung(ageMs, timings)));
      const unusable = observed ? unusableBecause(campaign, counts.issued, before, after) : undefined;
      pool = { pooled, bound, underWay, before: observed ? before : undefined, after, unusable };
    },
    *conclude() {
      if (scope === "outside") live = rest === "observed" && !FINAL.has(campaign.state);
      yield* sweep(register.codes.size, [countTold, ...onCode]);
      yield* sweep(register.keys.size, onKey);
      const silent = answers.counts().entries === 0;
      return checks.map(({ of, findings, check }) => {
        if (silent && of === "histories" && check.toldRedemption === undefined)
          findings.notJudged(NO_ENTRIES);
        return check.verdict();
      });
    },
    suspects: () => new Map(checks.map(({ name, findings }) => [name, findings.suspects()])),
    toldCodes,
    get issuedCount() {
      return counts.issued;
    },
    get live() {
      return live;
    },
  };
}
