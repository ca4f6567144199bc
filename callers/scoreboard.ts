import type { HistoryEntry } from "../audit/history.ts";
import { type Percentiles, percentilesOf } from "./percentiles.ts";
import { isDefinite, type PressResult } from "./press.ts";

/** The counts of one second, by the instant of the answers. */
export type Second = {
  /** Relative to the opening: -1 is the last second before it. */
  readonly second: number;
  /** Users that got a coupon in this second; `issuedSoFar`: from the first second to the end of this one. */
  readonly issued: number;
  readonly issuedSoFar: number;
  /** Answers with a coupon that the user had already. */
  readonly again: number;
  readonly notStarted: number;
  readonly soldOut: number;
  readonly otherRefusals: number;
  /** Tries without a definite answer, which were made again with the same key. */
  readonly unclear: number;
  readonly latencyMs: Percentiles;
};

type Tally = {
  issued: number;
  again: number;
  notStarted: number;
  soldOut: number;
  otherRefusals: number;
  unclear: number;
  latenciesMs: number[];
};

export type Scoreboard = {
  /** Called for each try of each press, when it is answered. */
  onEntry(entry: HistoryEntry): void;
  /** Called for each press, when it has its last answer; `dueOffsetMs` relative to the opening. */
  onPress(result: PressResult, dueOffsetMs: number, latencyMs: number): void;
  second(second: number): Second;
  /** The last second in which a try was answered. */
  lastSecond(): number;
  /** The latency of the presses that were due after the opening. */
  latencyAfterStart(): Percentiles;
  /** Presses that ended without a definite answer. */
  unanswered(): number;
};

export function createScoreboard(startsAtMs: number): Scoreboard {
  const tallies = new Map<number, Tally>();
  const holders = new Set<string>();
  const afterStartMs: number[] = [];
  let unanswered = 0;

  function tallyAt(atMs: number): Tally {
    const second = Math.floor((atMs - startsAtMs) / 1_000);
    const known = tallies.get(second);
    if (known !== undefined) return known;
    const fresh: Tally = {
      issued: 0,
      again: 0,
      notStarted: 0,
      soldOut: 0,
      otherRefusals: 0,
      unclear: 0,
      latenciesMs: [],
    };
    tallies.set(second, fresh);
    return fresh;
  }

  return {
    onEntry({ claimKey, answeredAtMs, outcome }) {
      const tally = tallyAt(answeredAtMs);
      if (outcome.kind === "issued") {
        if (holders.has(claimKey)) tally.again += 1;
        else tally.issued += 1;
        holders.add(claimKey);
      } else if (!isDefinite(outcome)) tally.unclear += 1;
      else if (outcome.kind === "refused" && outcome.reason === "NOT_STARTED") tally.notStarted += 1;
      else if (outcome.kind === "refused" && outcome.reason === "SOLD_OUT") tally.soldOut += 1;
      else tally.otherRefusals += 1;
    },
    onPress({ outcome, answeredAtMs }, dueOffsetMs, latencyMs) {
      tallyAt(answeredAtMs).latenciesMs.push(latencyMs);
      if (dueOffsetMs >= 0) afterStartMs.push(latencyMs);
      if (!isDefinite(outcome)) unanswered += 1;
    },
    second(second) {
      const { latenciesMs, ...counts } = tallyAt(startsAtMs + second * 1_000);
      let issuedSoFar = 0;
      for (const [at, tally] of tallies) if (at <= second) issuedSoFar += tally.issued;
      return { second, ...counts, issuedSoFar, latencyMs: percentilesOf(latenciesMs) };
    },
    lastSecond: () => Math.max(...tallies.keys()),
    latencyAfterStart: () => percentilesOf(afterStartMs),
    unanswered: () => unanswered,
  };
}
