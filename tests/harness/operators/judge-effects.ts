import type { HistoryEntry } from "../../../audit/history.ts";
import type { Issuance } from "../../../audit/snapshot.ts";
import type { Call } from "./call.ts";
import type { Change } from "./judge-history.ts";

export type EffectFacts = {
  readonly calls: readonly Call[];
  /** Ascending by revision. */
  readonly changes: readonly Change[];
  readonly asked: readonly HistoryEntry[];
  readonly issuances: readonly Issuance[];
};

/** For so long a server may repeat an answer from memory that it got before the change. */
const MEMORY_MS = 1_100;
/**
 * From an addition on record until callers get the added coupons: a pool that has run dry waits a second, and
 * a scheduler makes a round once a second.
 */
const REOPENS_MS = 4_000;

const STANDS_STILL: ReadonlySet<string> = new Set(["PAUSED", "ENDED", "CANCELLED"]);

/** A time in which no new coupon may be issued: from one change on record to the next. */
type Standstill = {
  readonly reason: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /**
   * When the operator got the answer, and when the next change was requested, on the order of all events.
   * Undefined: no operator got one.
   */
  readonly toldAt: Call["answered"] | undefined;
  readonly nextAskedAt: Call["invoked"] | undefined;
};

/** Coupons and answers that contradict a change of which the operator had the answer; empty: none. */
export function judgeEffects(facts: EffectFacts): string[] {
  const standstills = standstillsOf(facts);
  return [
    ...standstills.flatMap((still) => issuedMeanwhile(still, facts)),
    ...standstills.flatMap((still) => toldMeanwhile(still, facts)),
    ...facts.changes.flatMap((change) => stillSoldOut(change, facts)),
  ];
}

/** The number of requests that lie wholly within a standstill: if there are none, nothing was proven. */
export function countAskedMeanwhile(facts: EffectFacts): number {
  return standstillsOf(facts).reduce((sum, still) => sum + askedWithin(still, facts.asked).length, 0);
}

function standstillsOf({ calls, changes }: EffectFacts): Standstill[] {
  const told = new Map(
    calls.filter(({ answer, dryRun }) => answer.kind === "changed" && !dryRun).map((c) => [c.requestId, c]),
  );
  return changes.flatMap((change, i) => {
    const { after, before, atMs, requestId } = change;
    if (!STANDS_STILL.has(after.state) || before?.state === after.state) return [];
    const next = changes.slice(i + 1).find(({ after: { state } }) => state !== after.state);
    const nextCall = next === undefined ? undefined : calls.find((c) => c.requestId === next.requestId);
    // If the service itself made the next change, no call shows when it began: callers' answers are not
    // judged.
    const toldAt = next !== undefined && nextCall === undefined ? undefined : told.get(requestId)?.answered;
    return [
      {
        ...{ reason: after.state, fromMs: atMs, toldAt, nextAskedAt: nextCall?.invoked },
        untilMs: next?.atMs ?? Number.POSITIVE_INFINITY,
      },
    ];
  });
}

function issuedMeanwhile({ reason, fromMs, untilMs }: Standstill, { issuances }: EffectFacts): string[] {
  return issuances
    .filter(({ issuedAtMs }) => issuedAtMs > fromMs && issuedAtMs < untilMs)
    .map(
      ({ generation, seq, issuedAtMs }) =>
        `${generation}-${seq} was issued ${issuedAtMs - fromMs} ms after it was ${reason}`,
    );
}

function askedWithin({ toldAt, nextAskedAt }: Standstill, asked: readonly HistoryEntry[]): HistoryEntry[] {
  if (toldAt === undefined) return [];
  const until = nextAskedAt?.order ?? Number.POSITIVE_INFINITY;
  return asked.filter(
    ({ invokedOrder, answeredOrder }) => invokedOrder > toldAt.order && answeredOrder < until,
  );
}

/** Requests after the operator's answer get no new coupon, and soon the right reason, at every server. */
function toldMeanwhile(still: Standstill, { asked, issuances }: EffectFacts): string[] {
  const { reason, fromMs, toldAt } = still;
  const holders = new Map(issuances.map(({ claimKey, issuedAtMs }) => [claimKey, issuedAtMs]));
  return askedWithin(still, asked).flatMap(({ claimKey, outcome, invokedAtMs }) => {
    const afterMs = Math.round(invokedAtMs - (toldAt?.atMs ?? 0));
    if ((holders.get(claimKey) ?? Number.POSITIVE_INFINITY) <= fromMs) {
      if (outcome.kind === "issued") return [];
      return [
        `who had a coupon and asked ${afterMs} ms after it was ${reason} was told ${JSON.stringify(outcome)}`,
      ];
    }
    if (outcome.kind === "issued") return [`who asked ${afterMs} ms after it was ${reason} got a new coupon`];
    const right = outcome.kind === "refused" && outcome.reason === reason;
    return right || afterMs < MEMORY_MS
      ? []
      : [`who asked ${afterMs} ms after it was ${reason} was told ${JSON.stringify(outcome)}`];
  });
}

/**
 * A request some seconds after coupons were added is not refused with SOLD_OUT, unless the added ones are
 * gone too.
 */
function stillSoldOut(
  { verb, atMs, before, after }: Change,
  { asked, issuances, changes }: EffectFacts,
): string[] {
  if (verb !== "added" || before === undefined) return [];
  const claimed = issuances.map(({ issuedAtMs }) => issuedAtMs).sort((a, b) => a - b);
  const goneMs = claimed[after.total - 1] ?? Number.POSITIVE_INFINITY;
  const nextMs = changes.find((change) => change.verb === "added" && change.atMs > atMs)?.atMs;
  const late = asked.filter(
    ({ outcome, invokedAtMs, answeredAtMs }) =>
      outcome.kind === "refused" &&
      outcome.reason === "SOLD_OUT" &&
      invokedAtMs > atMs + REOPENS_MS &&
      answeredAtMs < Math.min(goneMs, nextMs ?? Number.POSITIVE_INFINITY),
  );
  const [first] = late;
  if (first === undefined) return [];
  const words = `${first.invokedAtMs - atMs} ms after coupons were added ${late.length} asks`;
  return [`${words} were told that all are gone`];
}
