import { cpSync, rmSync } from "node:fs";
import type { Store } from "../../../../local/store.ts";
import { openProduct } from "../ground/product.ts";
import { REDIS_FORMS } from "../ground/redis-form.ts";
import { catalogue } from "../rounds/catalogue.ts";
import { runRound } from "../run-round.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { applyPatch } from "./patch.ts";

const LOG_TAIL = 8;
const WORDS = { caught: "caught  ", survived: "SURVIVED", missed: "MISSED  " };

export type MutantOptions = {
  readonly builtDir: string;
  readonly mongodb: Store;
  readonly dir: string;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

/** Patches a copy of the built product; the product itself has no switch for any mutant. */
async function tryMutant(
  mutant: Mutant,
  index: number,
  options: MutantOptions,
): Promise<"caught" | "survived" | "missed"> {
  const { builtDir, mongodb, dir, seed, signal, say } = options;
  const copy = `${builtDir}-${mutant.name}`; // beside the build, so that Node.js finds node_modules
  cpSync(builtDir, copy, { recursive: true });
  try {
    for (const patch of mutant.patches) applyPatch(copy, patch);
    const round = catalogue.find(({ name }) => name === mutant.round);
    if (round === undefined) throw new Error(`mutant ${mutant.name} names no round: ${mutant.round}`);
    const product = await openProduct(copy);
    const [form] = round.forms ?? REDIS_FORMS;
    const common = { product, mongodb, form, dir, seed, index, signal };
    const result = await runRound(round, common, say, mutant.caughtBy);
    const violated = result.judgement?.violated ?? [];
    const caught = violated.includes(mutant.caughtBy);
    const outcome = caught ? "caught" : result.missed.length > 0 ? "missed" : "survived";
    const seconds = (result.durationMs / 1_000).toFixed(1);
    const how = violated.length === 0 ? "nothing violated" : `violated ${violated.join(",")}`;
    say(
      `${WORDS[outcome]} ${mutant.name.padEnd(32)} ${mutant.round.padEnd(38)} predicted ${mutant.caughtBy}, ${how}  ${seconds} s`,
    );
    const verdict = result.judgement?.verdicts.find(
      ({ invariant, ok }) => invariant === mutant.caughtBy && !ok,
    );
    if (verdict !== undefined) say(`         ${verdict.count} times: ${verdict.offenders[0]?.words ?? ""}`);
    if (!caught) {
      for (const hazard of result.missed) say(`         the hazard was missed: ${hazard}`);
      for (const trouble of result.judgement?.troubles ?? []) say(`         ${trouble}`);
      if (result.broke !== undefined) say(`         could not be carried through: ${result.broke}`);
      for (const line of result.logTail.slice(-LOG_TAIL)) say(`         | ${line.slice(0, 300)}`);
    }
    return outcome;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * Returns the names of the mutants that no check caught, and separately of those whose hazard did not happen
 * in any try.
 */
export async function runMutants(
  options: MutantOptions,
  only: readonly string[] = [],
): Promise<{
  caught: number;
  tried: number;
  survivors: readonly string[];
  missed: readonly string[];
}> {
  const chosen = mutants.filter(({ name }) => only.length === 0 || only.includes(name));
  const names: Record<keyof typeof WORDS, string[]> = { caught: [], survived: [], missed: [] };
  for (const [index, mutant] of chosen.entries())
    names[await tryMutant(mutant, index, options)].push(mutant.name);
  const { caught, survived, missed } = names;
  return { caught: caught.length, tried: chosen.length, survivors: survived, missed };
}
