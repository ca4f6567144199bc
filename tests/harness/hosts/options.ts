import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";

export type HostsOptions = {
  /** Empty: all rounds. */
  readonly rounds: readonly string[];
  readonly ratePerSecond: number;
  readonly quick: boolean;
  readonly list: boolean;
  readonly help: boolean;
};

export const USAGE = `usage: npm run hosts -- [--quick] [--round NAME]… [--rate R] [--list] [--help]

  Sales on several hosts, which are network namespaces of this machine: three with servers, one with each
  store, one with haproxy, one with callers. Needs root on Linux. Nothing of the machine's own network changes.

  --quick       three rounds, in two to three minutes
  --round NAME  only this round; may be given several times
  --rate R      requests a second that the callers send (1000); a slow machine lowers it by itself
  --list        the names of the rounds`;

const FLAGS = {
  round: { type: "string", multiple: true, default: [] as string[] },
  rate: { type: "string", default: "1000" },
  quick: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: readonly string[]): HostsOptions {
  const { round, rate, quick, list, help } = parseFlags(args, FLAGS, USAGE);
  return { rounds: round, ratePerSecond: numberFlag("rate", rate, 20, 10_000), quick, list, help };
}
