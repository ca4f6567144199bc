import { join } from "node:path";
import { seededRandom } from "../../load/random.ts";
import type { Store } from "../../local/store.ts";
import { type Ground, layGround } from "./ground/ground.ts";
import type { Product } from "./ground/product.ts";
import { type Judgement, judge } from "./judge/judge.ts";
import type { Round } from "./round.ts";
import { type Evidence, ORDINARY, openSale } from "./sale.ts";
import { watchStalls } from "./stall.ts";

export type RoundResult = {
  readonly name: string;
  readonly ok: boolean;
  readonly evidence: readonly Evidence[];
  readonly requests: number;
  readonly unknown: number;
  readonly durationMs: number;
  readonly judgement: Judgement | undefined;
  /** Why it could not be carried through. */
  readonly broke: string | undefined;
  readonly logTail: readonly string[];
  /** How long the harness itself stood still at worst. */
  readonly stalledMs: number;
};

export type RunOptions = {
  readonly product: Product;
  readonly mongodb: Store;
  readonly dir: string;
  readonly seed: number;
  readonly index: number;
  readonly signal: AbortSignal;
};

const LOG_TAIL = 25;
const ROUND_MAX_MS = 90_000;

/** Standing still for longer than this, the harness cannot judge what is a matter of time. */
const STALL_MS = 1_500;
const MATTERS_OF_TIME = new Set(["U9", "U11"]);

/** Carries a round through; once more where it failed for time alone while the harness stood still (a frozen or stopped machine). */
export async function runRound(
  round: Round,
  options: RunOptions,
  say: (line: string) => void = () => {},
): Promise<RoundResult> {
  const result = await carryRound(round, options);
  const { ok, stalledMs, judgement } = result;
  const forTimeAlone = (judgement?.violated ?? []).every((invariant) => MATTERS_OF_TIME.has(invariant));
  if (ok || stalledMs < STALL_MS || !forTimeAlone) return result;
  say(`again ${round.name}: the harness stood still for ${(stalledMs / 1_000).toFixed(1)} s in it`);
  return carryRound(round, options);
}

async function carryRound(round: Round, options: RunOptions): Promise<RoundResult> {
  const stalls = watchStalls();
  const { product, mongodb, seed, index, signal } = options;
  const began = performance.now();
  const database = `chaos-${index}-${process.pid}`;
  let ground: Ground | undefined;
  let broke: string | undefined;
  let judgement: Judgement | undefined;
  let requests = 0;
  let unknown = 0;
  let evidence: readonly Evidence[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    const ended = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${ROUND_MAX_MS} ms`)), ROUND_MAX_MS);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    const carryThrough = async () => {
      const laid = await layGround({
        ...{ dir: join(options.dir, `${index}-${round.name}`), database, mongodb, product },
        plan: round.ground ?? {},
      });
      ground = laid;
      const run = await openSale(laid, { ...ORDINARY, ...round.sale }, seededRandom(seed + index));
      evidence = run.sale.evidence;
      try {
        await Promise.all([run.press(), round.act(run.sale)]);
        judgement = await judge(round, laid, run);
      } finally {
        requests = run.sale.history.length;
        unknown = run.sale.unknown();
        await run.close();
      }
    };
    await Promise.race([carryThrough(), ended]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    broke = error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    clearTimeout(timer);
    stalls.end();
    mongodb.resume();
    if (!mongodb.isRunning) await mongodb.start();
    await ground?.close();
  }
  const ok = broke === undefined && judgement?.violated.length === 0 && judgement.troubles.length === 0;
  return {
    ...{ name: round.name, ok, evidence, requests, unknown, judgement, broke },
    durationMs: performance.now() - began,
    stalledMs: stalls.worstMs,
    logTail: ground?.logLines.slice(-LOG_TAIL) ?? [],
  };
}
