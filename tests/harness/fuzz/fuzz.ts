import { createRandom } from "../simulation/random.ts";
import { difference } from "./compare.ts";
import { scriptOf } from "./requests.ts";
import { startFuzzed, type Tamper } from "./servers.ts";
import { talk } from "./talk.ts";

export type FuzzOptions = {
  /** The seed of the first case; each further case has the next number. */
  readonly seed: number;
  /** Called before each case; false: end. */
  readonly goOn: (cases: number) => boolean;
  /** A fault planted before the fast path, to check that the fuzzer finds it. */
  readonly tamper?: Tamper;
};

export type FuzzResult = {
  readonly cases: number;
  /** Requests whose head arrived whole, and those of them that the fast path answered. */
  readonly requests: number;
  readonly fast: number;
  /** The first difference, and the seed of its case. */
  readonly found?: { readonly seed: number; readonly words: string };
};

/**
 * Sends the same bytes to the product's server and to the framework alone, and compares all answers.
 */
export async function fuzz({ seed, goOn, tamper }: FuzzOptions): Promise<FuzzResult> {
  const fast = await startFuzzed({ past: false, ...(tamper === undefined ? {} : { tamper }) });
  const alone = await startFuzzed({ past: true });
  let cases = 0;
  const counts = () => ({ cases, requests: fast.requests(), fast: fast.fastAnswers() });
  try {
    for (; goOn(cases); cases++) {
      const script = scriptOf(createRandom(seed + cases));
      const [here, there] = await Promise.all([talk(fast, script), talk(alone, script)]);
      const words = difference(here, there);
      if (words === undefined) continue;
      const sent = script.pieces.map((piece) => JSON.stringify(piece.toString("latin1"))).join("\n");
      const early = script.endsEarly ? "\nand closed its half at once" : "";
      return { ...counts(), found: { seed: seed + cases, words: `sent:\n${sent}${early}\n--- ${words}` } };
    }
    return counts();
  } finally {
    await Promise.all([fast.close(), alone.close()]);
  }
}
