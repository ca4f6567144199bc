import { randomInt } from "node:crypto";
import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";

export type ChaosOptions = {
  /** Empty: all rounds. */
  readonly rounds: readonly string[];
  readonly seed: number;
  readonly quick: boolean;
  readonly list: boolean;
  readonly mutants: boolean;
  readonly help: boolean;
};

export const USAGE = `usage: npm run chaos -- [--quick] [--round NAME]… [--seed N] [--list] [--mutants] [--help]

  --quick       the most telling rounds only, about 90 s; all of them take about 7 minutes
  --round NAME  only this round; may be given several times
  --seed N      what is left to chance is repeated: the order of the callers, the faults of the mixed rounds
  --list        the names of the rounds
  --mutants     breaks copies of the product on purpose and expects each to be noticed; --round then names mutants`;

const SEED_MOST = 2 ** 31 - 1;

const FLAGS = {
  round: { type: "string", multiple: true, default: [] as string[] },
  seed: { type: "string" },
  quick: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  mutants: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: readonly string[]): ChaosOptions {
  const { round, seed, quick, list, mutants, help } = parseFlags(args, FLAGS, USAGE);
  return {
    rounds: round,
    seed: seed === undefined ? randomInt(1, SEED_MOST) : numberFlag("seed", seed, 0, SEED_MOST),
    ...{ quick, list, mutants, help },
  };
}
