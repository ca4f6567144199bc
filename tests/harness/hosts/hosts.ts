import type { Ground } from "./ground.ts";
import { type Held, holdRound } from "./hold-round.ts";
import { type Judgement, judge } from "./judge.ts";
import type { Round, Stage } from "./round.ts";
import { evidenceWords, slowestWords } from "./words.ts";

export type HostsPlan = {
  readonly rounds: readonly Round[];
  readonly ratePerSecond: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

const RATE_LEAST = 50;
/** A machine on which most callers of an undisturbed sale wait longer than this has too many of them. */
const P50_MOST_MS = 250;
/** A round whose fault was not met is held again, so often in all. */
const TRIES = 3;
const LOG_TAIL = 12;

/**
 * Holds an undisturbed sale, at half the rate again and again until the machine keeps up with its callers.
 * The first one, at a quarter of the rate, is not looked at: the code of all processes is not compiled yet.
 */
export async function chooseRate(
  ground: Ground,
  wantedPerSecond: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  const hold = async (rate: number) => {
    const undisturbed = { saleMs: 2_000, act: ({ untilStart }: Stage) => untilStart(2_000) };
    const { facts, report } = await holdRound(ground, undisturbed, rate, signal);
    const { violations } = judge(facts);
    if (violations.length > 0) throw new Error(`an undisturbed sale: ${violations.join("; ")}`);
    return report;
  };
  await hold(Math.max(RATE_LEAST, wantedPerSecond / 4));
  for (let rate = wantedPerSecond; ; rate = Math.max(RATE_LEAST, Math.floor(rate / 2))) {
    const { p50Ms, p99Ms, heldBack } = await hold(rate);
    const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
    if ((p50Ms <= P50_MOST_MS && heldBack === 0) || rate <= RATE_LEAST) {
      say(`hosts: ${rate} requests/s; undisturbed ${times}`);
      return rate;
    }
    say(`hosts: ${rate} requests/s are too many for this machine now (${times})`);
  }
}

export async function runRounds(
  ground: Ground,
  { rounds, ratePerSecond, signal, say }: HostsPlan,
): Promise<{ readonly exitCode: number; readonly lastWord: string }> {
  let [violations, failed, again] = [0, 0, 0];
  let gapMs = 0;
  const wrong: string[] = [];
  for (const round of rounds) {
    for (let tries = 1; ; tries += 1) {
      const beganMs = performance.now();
      const held = await holdRound(ground, round, ratePerSecond, signal);
      const judged = judge(held.facts);
      const isOk = judged.violations.length === 0 && judged.troubles.length === 0;
      const isMet = judged.missed.length === 0;
      if (isOk && !isMet && tries < TRIES) {
        say(`again ${round.name}: the fault was not met: ${judged.missed.join(", ")}`);
        again += 1;
        continue;
      }
      for (const line of describe(round, held, judged, performance.now() - beganMs)) say(line);
      if (!(isOk && isMet)) {
        wrong.push(round.name);
        for (const { host, lines } of ground.servers)
          for (const line of lines.slice(-LOG_TAIL)) say(`     | ${host} ${line.slice(0, 300)}`);
        for (const line of ground.balancer.log().trim().split("\n").slice(-LOG_TAIL))
          say(`     | haproxy ${line}`);
      }
      violations += judged.violations.length;
      if (round.failsNone === true) failed += judged.failed;
      gapMs = Math.max(gapMs, judged.longestGapMs);
      break;
    }
  }
  const numbers = `rounds=${rounds.length} violations=${violations} failed=${failed} again=${again} rate=${ratePerSecond} longest_gap_ms=${Math.round(gapMs)}`;
  const isPassed = wrong.length === 0;
  return {
    exitCode: isPassed ? 0 : 1,
    lastWord: isPassed ? `hosts: PASS ${numbers}` : `hosts: FAIL ${numbers} wrong=${wrong.join(",")}`,
  };
}

function describe({ name }: Round, held: Held, judged: Judgement, tookMs: number): string[] {
  const { facts, report } = held;
  const isOk = [judged.violations, judged.troubles, judged.missed].every((list) => list.length === 0);
  return [
    `${isOk ? "ok  " : "FAIL"} ${name.padEnd(28)} coupons=${facts.issuances.length}/${facts.total} requests=${facts.history.length} rate=${Math.round(held.ratePerSecond)}/s failed=${judged.failed} unclear=${judged.unclear} ${(tookMs / 1_000).toFixed(1)} s`,
    `     ${slowestWords(facts.recoveries)} gap=${Math.round(judged.longestGapMs)} ms p50=${report.p50Ms.toFixed(1)} ms p99=${report.p99Ms.toFixed(1)} ms  ${evidenceWords(facts.evidence)}`,
    ...judged.violations.map((words) => `     VIOLATED ${words}`),
    ...judged.troubles.map((words) => `     ${words}`),
    ...judged.missed.map((words) => `     the fault was not met: ${words}`),
  ];
}
