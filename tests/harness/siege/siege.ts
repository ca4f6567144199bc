import { cpus } from "node:os";
import { peakMemoryMb } from "../../../bench/rates/ground.ts";
import { percentilesOf } from "../../../callers/percentiles.ts";
import type { CrowdForm } from "./crowd-form.ts";
import type { CrowdReport, KindCounts } from "./crowd-plan.ts";
import { processesOf, type SiegeGround } from "./ground.ts";
import { countIn, judge, type SaleFacts, type Verdict } from "./judge.ts";
import type { ProcessorShares } from "./processors.ts";
import { type CrowdStrength, holdSale } from "./sale.ts";

export type SiegePlan = Pick<CrowdStrength, "addresses"> & {
  readonly crowds: readonly CrowdForm[];
  readonly rounds: number;
  readonly honest: number;
  readonly windowMs: number;
  readonly strict: boolean;
  readonly each: boolean;
};

/** On a machine that is too busy for all rounds in this time, the rest is left out: never the first. */
const ROUNDS_WITHIN_MS = 120_000;

/** Sales without a crowd and with each, in turn: all are measured while the machine is equally busy. */
export async function besiege(
  ground: SiegeGround,
  plan: SiegePlan,
  say: (line: string) => void,
): Promise<Verdict> {
  const { honest, windowMs, addresses } = plan;
  const sales: SaleFacts[] = [];
  const beganMs = performance.now();
  const processes = processesOf(ground);
  const hold = async (form: CrowdForm | undefined, isWarmUp: boolean) => {
    const crowd = form && {
      ...{ ratePerSecond: form.ratePerSecond, only: form.only },
      ...{ addresses, isMeasured: plan.strict },
    };
    const sale = { ...(await holdSale(ground, { honest, windowMs, crowd })), form, isWarmUp };
    sales.push(sale);
    for (const line of describeSale(sale)) say(line);
  };
  // What a process has not done yet, it does slowly: no figure of the first sale counts.
  if (plan.strict) await hold(plan.crowds[0], true);
  for (let round = 0; round < plan.rounds; round++) {
    if (round > 0 && performance.now() - beganMs > ROUNDS_WITHIN_MS) {
      say(`${round} of ${plan.rounds} rounds of sales took ${ROUNDS_WITHIN_MS / 1_000} s: no more are held`);
      break;
    }
    for (const [at, form] of plan.crowds.entries()) {
      if (at === 0 || plan.each) await hold(undefined, false);
      await hold(form, false);
    }
  }
  const isReady = await ground.service.waitForHttp("/readyz", 10_000).then(
    () => true,
    () => false,
  );
  // A worker that crashed would have been replaced.
  const isAlive = isReady && ground.service.isRunning && isSame(processes, processesOf(ground));
  return judge(sales, { isAlive, peakMb: isAlive ? Math.max(...processes.map(peakMemoryMb)) : 0 }, plan);
}

const isSame = (before: readonly number[], after: readonly number[]) => before.join() === after.join();

function describeSale({ results, form, isWarmUp, crowd, issuances, shares }: SaleFacts): string[] {
  const served = results.filter(({ code }) => code !== undefined).length;
  const tries = results.reduce((sum, result) => sum + result.tries, 0);
  const latencies = percentilesOf(results.map(({ latencyMs }) => latencyMs));
  const name = `${form?.name ?? "quiet"}${isWarmUp ? ", to warm up" : ""}`;
  const head = `${name}  honest ${served} of ${results.length} served in ${tries} tries, ${issuances.length} coupons issued`;
  const times = `       p50 ${latencies.at(50).toFixed(1)} ms, p99 ${latencies.at(99).toFixed(1)} ms${describeShares(shares)}`;
  return crowd === undefined ? [head, times] : [head, times, ...describeCrowd(crowd)];
}

function describeShares(shares: ProcessorShares | undefined): string {
  if (shares === undefined) return "";
  const percent = Object.entries(shares).map(([name, share]) => `${name} ${Math.round(100 * share)} %`);
  return `; processors: ${percent.join(", ")} of ${100 * cpus().length} %`;
}

function describeCrowd(report: CrowdReport): string[] {
  const { kinds, attacks, seconds } = report;
  const answered = countIn(report, "answered");
  const rate = Math.round(answered / seconds);
  const connections = Object.entries(attacks).map(([name, count]) => `${name} ${count}`);
  return [
    `       ${countIn(report, "sent")} requests sent, ${answered} answered in ${seconds.toFixed(1)} s, ${rate}/s`,
    ...Object.entries(kinds).map(([kind, counts]) => describeKind(kind, counts, seconds)),
    `       attacks on connections: ${connections.join(", ")}`,
  ];
}

function describeKind(
  kind: string,
  { sent, answered, statuses, cut, granted }: KindCounts,
  seconds: number,
): string {
  const by = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  const ended = cut === 0 ? "" : `, cut ${cut} times`;
  const gave = granted === 0 ? "" : `, GRANTED ${granted}`;
  return `       ${kind.padEnd(15)} ${sent} sent, ${Math.round(answered / seconds)} answered/s, ${by.join(", ") || "none answered"}${ended}${gave}`;
}

/** The last line. */
export function describeVerdict({ faults, ...verdict }: Verdict): string {
  const { attacks, honest, crossed, stolen, early, lost } = verdict;
  const numbers = [
    `attacks=${attacks} honest=${honest} crossed=${crossed} stolen=${stolen} early=${early} lost=${lost}`,
    `p99_quiet_ms=${verdict.p99QuietMs.toFixed(1)}`,
    ...verdict.crowds.map(
      ({ name, answersPerSecond, p99Ms, p99Ratio }) =>
        `${name}_rate=${Math.round(answersPerSecond)} ${name}_p99_ms=${p99Ms.toFixed(1)} ${name}_p99_ratio=${p99Ratio.toFixed(2)}`,
    ),
  ].join(" ");
  return `siege: ${faults.length === 0 ? "PASS" : "FAIL"} ${numbers}`;
}
