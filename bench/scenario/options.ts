import { randomInt } from "node:crypto";
import { numberFlag } from "../number-flag.ts";
import { parseFlags } from "../parse-flags.ts";

export type ScenarioOptions = {
  readonly ratePerSecond: number;
  readonly total: number;
  readonly seed: number;
  /** Keep the data folder, with the crowd's record, the exports and the logs. */
  readonly keep: boolean;
  readonly help: boolean;
};

export const USAGE = `npm run scenario -- [flags]     about two minutes
  --rate N    requests a second, from the first step to the last (1000)
  --total N   coupons at first; 500 are added when they are gone (5000)
  --seed N    who of the crowd asks when (random, printed)
  --keep      keep the data folder: the crowd's record, the exports, the logs
  --help
`;

const MAX_SEED = 2 ** 32 - 1;

const FLAGS = {
  rate: { type: "string", default: "1000" },
  total: { type: "string", default: "5000" },
  seed: { type: "string" },
  keep: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

export function readOptions(args: string[]): ScenarioOptions {
  const values = parseFlags(args, FLAGS);
  return {
    ratePerSecond: numberFlag("rate", values.rate, 100, 10_000),
    total: numberFlag("total", values.total, 1_000, 1_000_000),
    seed: values.seed === undefined ? randomInt(MAX_SEED) : numberFlag("seed", values.seed, 0, MAX_SEED),
    keep: values.keep,
    help: values.help,
  };
}
