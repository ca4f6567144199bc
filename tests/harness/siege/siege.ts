import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { percentilesOf } from "../../../callers/percentiles.ts";
import type { CrowdForm } from "./crowd-form.ts";
import type { CrowdReport, KindCounts } from "./crowd-plan.ts";
import type { SiegeGround } from "./ground.ts";
import { countIn, judge, type SaleFacts, type Verdict } from "./judge.ts";
import type { ProcessorShares } from "./processors.ts";
import { type CrowdStrength, holdSale } from "./sale.ts";

export type SiegePlan = Omit<CrowdStrength, "only"> & {
  readonly crowds: readonly CrowdForm[];
  readonly rounds: number;
  readonly honest: number;
  readonly windowMs: number;
  readonly strict: boolean;
};

/** On a machine that is too busy for all rounds in this time, the rest is left out: never the first. */
const ROUNDS_WITHIN_MS = 120_000;

/** Sales without a crowd and with each, in turn: all are measured while the machine is equally busy. */
export async function besiege(
  ground: SiegeGround,
  plan: SiegePlan,
  say: (line: string) => void,
): Promise<Verdict> {
  const { honest, windowMs, ratePerSecond, addresses } = plan;
  const sales: SaleFacts[] = [];
  const beganMs = performance.now();
  for (let round = 0; round < plan.rounds; round++) {
    if (round > 0 && performance.now() - beganMs > ROUNDS_WITHIN_MS) {
      say(`${round} of ${plan.rounds} rounds of sales took ${ROUNDS_WITHIN_MS / 1_000} s: no more are held`);
      break;
    }
    for (const form of [undefined, ...plan.crowds]) {
      const crowd = form && { ratePerSecond, addresses, only: form.only };
      const sale = { ...(await holdSale(ground, { honest, windowMs, crowd })), form };
      sales.push(sale);
      for (const line of describeSale(sale)) say(line);
    }
  }
  const isReady = await ground.service.waitForHttp("/readyz", 10_000).then(
    () => true,
    () => false,
  );
  const isAlive = isReady && ground.service.isRunning;
  return judge(sales, { isAlive, peakMb: isAlive ? peakMb(ground.service.pid) : 0 }, plan);
}

/** The most memory that the process ever had, by the kernel's count. */
function peakMb(pid: number): number {
  const kb = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) / 1_024;
}

function describeSale({ results, form, crowd, issuances, shares }: SaleFacts): string[] {
  const served = results.filter(({ code }) => code !== undefined).length;
  const tries = results.reduce((sum, result) => sum + result.tries, 0);
  const latencies = percentilesOf(results.map(({ latencyMs }) => latencyMs));
  const head = `${form?.name ?? "quiet"}  honest ${served} of ${results.length} served in ${tries} tries, ${issuances.length} coupons issued`;
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
