import { randomInt } from "node:crypto";
import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";

export type FuzzFlags = { readonly seconds: number; readonly seed: number; readonly help: boolean };

export const USAGE = `usage: npm run fuzz -- [--seconds N] [--seed N] [--help]

Sends random and broken requests to the server and to the framework without the fast path, and compares all that comes back.

  --seconds N  for so long (60)
  --seed N     begin with this case instead of a random one; the one that failed fails again`;

const SEED_MOST = 2 ** 31 - 1;
const SECONDS_MOST = 86_400;

const FLAGS = {
  seconds: { type: "string", default: "60" },
  seed: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: readonly string[]): FuzzFlags {
  const { seconds, seed, help } = parseFlags(args, FLAGS, USAGE);
  return {
    seconds: numberFlag("seconds", seconds, 1, SECONDS_MOST),
    seed: seed === undefined ? randomInt(1, SEED_MOST) : numberFlag("seed", seed, 0, SEED_MOST),
    help,
  };
}
