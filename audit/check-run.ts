import { counted } from "../runtime/counting.ts";
import type { HistoryEntry } from "./history.ts";
import { createFindings, redactCode, redactKey, type Verdict } from "./verdict.ts";

/** What the fault harness observed during a run, besides the callers' history. */
export type RunFacts = {
  readonly startsAtMs: number;
  /** When the service could work again after it had been down across the start; undefined: it was not. */
  readonly recoveredAtMs: number | undefined;
  readonly history: readonly HistoryEntry[];
  /** When the last fault ended; undefined: there was none. */
  readonly lastFaultAtMs: number | undefined;
  readonly presses: readonly Press[];
  /** Stretches in which the machine gave the observer no time: U9 and U11 do not count them. */
  readonly stalls: readonly Stall[];
  /** The campaign's generation in MongoDB, in the order in which it was read. */
  readonly generations: readonly number[];
  /** Codes that a caller was given and that MongoDB did not have right after. */
  readonly notYetDurable: readonly string[];
  /** How many of the codes given to callers were looked up right after. */
  readonly lookedUp: number;
  /** Operators' calls made without credentials, and how many of them were let in. */
  readonly withoutCredentials: { readonly tried: number; readonly letIn: number };
  /** Lines that the servers logged, and which secret was in which of them, described without the secret. */
  readonly logLines: number;
  readonly leaks: readonly string[];
};

/** One caller that asks until the answer is definite. */
export type Press = {
  readonly claimKey: string;
  readonly firstAskedAtMs: number;
  /** Undefined: the caller gave up without a definite answer. */
  readonly answeredAtMs: number | undefined;
};

/** The observer did not run for so long until that instant, in ms since the epoch. */
export type Stall = { readonly endedAtMs: number; readonly ms: number };

const FIRST_COUPON_MS = 1_000;
const ANSWERED_WITHIN_MS = 5_000;

export function runRunChecks(facts: RunFacts): Verdict[] {
  return [
    checkDurableAtReply(facts),
    checkFirstCoupon(facts),
    checkAnswered(facts),
    checkGenerations(facts),
    checkSecrets(facts),
  ];
}

/** U2, the part that only an observer can check: the coupon is recorded at the moment of the reply. */
export function checkDurableAtReply({ notYetDurable, lookedUp }: RunFacts): Verdict {
  const findings = createFindings("U2");
  for (const code of notYetDurable)
    findings.violation("not durable", `${redactCode(code)} was told to its owner and was not on record then`);
  return findings.verdict(lookedUp, `${counted(lookedUp, "coupon")} looked up right after the reply`);
}

/** The time between two instants in which the observer ran. */
function ranMs(stalls: readonly Stall[], fromMs: number, toMs: number): number {
  let ran = toMs - fromMs;
  for (const { endedAtMs, ms } of stalls)
    ran -= Math.max(0, Math.min(toMs, endedAtMs) - Math.max(fromMs, endedAtMs - ms));
  return ran;
}

/** U9: the first coupon at most a second after the start, or after the service was able to work again. */
export function checkFirstCoupon({ startsAtMs, recoveredAtMs, history, stalls }: RunFacts): Verdict {
  const findings = createFindings("U9");
  if (recoveredAtMs === undefined) return findings.verdict(0, "the service was up across the start");
  let first = Number.POSITIVE_INFINITY;
  for (const { outcome, answeredAtMs } of history)
    if (outcome.kind === "issued") first = Math.min(first, answeredAtMs);
  const afterMs = Math.round(ranMs(stalls, Math.max(startsAtMs, recoveredAtMs), first));
  if (!(afterMs <= FIRST_COUPON_MS))
    findings.violation("late", `the first coupon came ${afterMs} ms after recovery`);
  return findings.verdict(1, `first coupon ${afterMs} ms after recovery`);
}

/** U11: every caller has a definite answer, at most 5 s after the last fault or after it first asked. */
export function checkAnswered({ lastFaultAtMs = 0, presses, stalls }: RunFacts): Verdict {
  const findings = createFindings("U11");
  let worstMs = 0;
  for (const { claimKey, firstAskedAtMs, answeredAtMs } of presses) {
    const who = redactKey(claimKey);
    if (answeredAtMs === undefined) {
      findings.violation("no answer", `${who} never had a definite answer`);
      continue;
    }
    const lateMs = ranMs(stalls, Math.max(lastFaultAtMs, firstAskedAtMs), answeredAtMs);
    worstMs = Math.max(worstMs, lateMs);
    if (lateMs > ANSWERED_WITHIN_MS)
      findings.violation(
        "late answer",
        `${who} had its answer ${Math.round(lateMs)} ms after the last fault`,
      );
  }
  return findings.verdict(presses.length, `the last answer ${Math.round(worstMs)} ms after the last fault`);
}

/** U12. */
export function checkGenerations({ generations }: RunFacts): Verdict {
  const findings = createFindings("U12");
  let last = 0;
  for (const generation of generations) {
    if (generation < last) findings.violation("fell", `the generation fell from ${last} to ${generation}`);
    last = generation;
  }
  return findings.verdict(generations.length, `generation ${last} in the end`);
}

/** U13. */
export function checkSecrets({ withoutCredentials, logLines, leaks }: RunFacts): Verdict {
  const findings = createFindings("U13");
  const { tried, letIn } = withoutCredentials;
  if (letIn > 0)
    findings.violation(
      "let in",
      `${letIn} of ${counted(tried, "operators' call")} without credentials let in`,
    );
  for (const leak of leaks) findings.violation("leak", leak);
  return findings.verdict(
    tried + logLines,
    `${counted(tried, "call")} without credentials, ${counted(logLines, "log line")}`,
  );
}
