import { join } from "node:path";
import { seededRandom } from "../../../callers/random.ts";
import type { Store } from "../../../local/store.ts";
import { type Ground, layGround } from "./ground/ground.ts";
import type { Product } from "./ground/product.ts";
import type { RedisForm } from "./ground/redis-form.ts";
import { HazardMissed } from "./hazard.ts";
import { type Judgement, judge } from "./judge/judge.ts";
import type { Round } from "./round.ts";
import { type Evidence, ORDINARY, openSale, type Sale } from "./sale.ts";
import { watchStalls } from "./stall.ts";
import { untilTelling } from "./tries.ts";

export type RoundResult = {
  readonly name: string;
  readonly ok: boolean;
  readonly evidence: readonly Evidence[];
  readonly requests: number;
  readonly unknown: number;
  readonly durationMs: number;
  /** The longest time without a new coupon, between the start and the last coupon. */
  readonly longestGapMs: number;
  readonly judgement: Judgement | undefined;
  /** Why the round could not be carried out. */
  readonly broke: string | undefined;
  /** The hazards that did not happen; if there are any, the round is no evidence about the product. */
  readonly missed: readonly string[];
  readonly logTail: readonly string[];
  /** The longest stall of the harness process itself. */
  readonly stalledMs: number;
  /** How many times the round was repeated. */
  readonly again: number;
};

export type RunOptions = {
  readonly product: Product;
  readonly mongodb: Store;
  readonly form: RedisForm;
  readonly dir: string;
  readonly seed: number;
  readonly index: number;
  readonly signal: AbortSignal;
};

const LOG_TAIL = 25;
const ROUND_MAX_MS = 300_000;

/**
 * Runs a round, and repeats it while a try is no evidence about the product. `expected`: the invariant that
 * a mutant must violate.
 */
export async function runRound(
  round: Round,
  options: RunOptions,
  say: (line: string) => void = () => {},
  expected?: string,
): Promise<RoundResult> {
  return untilTelling(
    (pace) => carryRound(round, options, pace),
    (reason) => say(`again ${round.name}: ${reason}`),
    expected,
  );
}

async function carryRound(
  round: Round,
  options: RunOptions,
  pace: number,
): Promise<Omit<RoundResult, "again">> {
  const stalls = watchStalls();
  const { product, mongodb, form, seed, index, signal } = options;
  const began = performance.now();
  const database = `chaos-${index}-${process.pid}`;
  let ground: Ground | undefined;
  let broke: string | undefined;
  let missed: readonly string[] = [];
  let judgement: Judgement | undefined;
  let requests = 0;
  let unknown = 0;
  let longestGapMs = 0;
  let evidence: readonly Evidence[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    const ended = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${ROUND_MAX_MS} ms`)), ROUND_MAX_MS);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    const carryThrough = async () => {
      const laid = await layGround({
        ...{ dir: join(options.dir, `${index}-${round.name}`), database, mongodb, product, form },
        plan: round.ground ?? {},
      });
      ground = laid;
      const plan = { ...ORDINARY, ...round.sale };
      const paced = { ...plan, leadMs: plan.leadMs * pace, overMs: plan.overMs * pace };
      const run = await openSale(laid, paced, seededRandom(seed + index));
      evidence = run.sale.evidence;
      try {
        await Promise.all([run.press(), round.act(run.sale)]);
        judgement = await judge(round, laid, run, stalls.all);
        missed = judgement.missed;
      } finally {
        requests = run.sale.history.length;
        unknown = run.sale.unknown();
        longestGapMs = gapIn(run.sale);
        await run.close();
      }
    };
    await Promise.race([carryThrough(), ended]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HazardMissed) missed = [error.message];
    else broke = error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    clearTimeout(timer);
    stalls.end();
    mongodb.resume();
    if (!mongodb.isRunning) await mongodb.start();
    await ground?.close();
  }
  const clean = judgement?.violated.length === 0 && judgement.troubles.length === 0;
  const ok = clean && broke === undefined && missed.length === 0;
  return {
    ...{ name: round.name, ok, evidence, requests, unknown, longestGapMs, judgement, broke, missed },
    durationMs: performance.now() - began,
    stalledMs: stalls.worstMs,
    logTail: ground?.logLines.slice(-LOG_TAIL) ?? [],
  };
}

/** The longest time without a new coupon, between the start and the last coupon, in ms. */
function gapIn({ history, startsAtMs }: Sale): number {
  const seen = new Set<string>();
  let [lastMs, longestMs] = [startsAtMs, 0];
  for (const { claimKey, outcome, answeredAtMs } of history) {
    if (outcome.kind !== "issued" || seen.has(claimKey)) continue;
    seen.add(claimKey);
    longestMs = Math.max(longestMs, answeredAtMs - lastMs);
    lastMs = answeredAtMs;
  }
  return longestMs;
}
