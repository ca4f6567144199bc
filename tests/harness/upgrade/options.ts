import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";

export type UpgradeOptions = { readonly rounds: number; readonly coupons: number; readonly help: boolean };

export const USAGE = `usage: npm run upgrade-check -- [--quick] [--rounds N] [--coupons C] [--help]

Takes the previous release out of the git history and runs servers, schedulers and the command of both versions on the
same stores, during sales: an upgrade, then a rollback.

  --quick      one upgrade and one rollback with 600 coupons each; CI runs these
  --rounds N   so many upgrades, each with its rollback (3)
  --coupons C  of each sale (3000)`;

export function readOptions(args: readonly string[]): UpgradeOptions {
  const flags = {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    coupons: { type: "string" },
    help: { type: "boolean", default: false },
  } as const;
  const { quick, rounds, coupons, help } = parseFlags(args, flags, USAGE);
  return {
    rounds: numberFlag("rounds", rounds ?? (quick ? "1" : "3"), 1, 100),
    coupons: numberFlag("coupons", coupons ?? (quick ? "600" : "3000"), 600, 20_000),
    help,
  };
}
