import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";
import { type CrowdForm, crowdForms } from "./crowd-form.ts";

export const USAGE = `usage: npm run siege -- [--quick] [--seconds S] [--rate R] [--honest H] [--addresses A] [--workers W] [--only LIST] [--each] [--strict] [--help]

  Sales with a hostile crowd and without one, in turn, at one service with CLAIM_AUTH=token.

  --quick        the short form that CI runs
  --seconds S    for all sales together, about (48)
  --rate R       requests a second that the crowd tries to send, besides its attacks on connections (20000)
  --honest H     users with tokens, in each sale (1000)
  --addresses A  loopback addresses that the crowd sends from (8)
  --workers W    processes of the service, as its WORKERS (1)
  --only LIST    of the crowd's kinds of requests and attacks, with commas between, only these
  --each         a crowd for each attack alone, but for the floods of claims with bad tokens, each after a sale
                 without one; about four minutes
  --strict       two crowds: forged, expired, replayed and invented tokens and valid ones without pause, and
                 everything; with --each, its crowds. PASS also needs, beside each, an honest p99 of at most three times that without a
                 crowd, and answers to the first (or to --only) at nineteen twentieths of its rate: for a machine
                 that does nothing else`;

export type SiegeOptions = {
  readonly help: boolean;
  readonly strict: boolean;
  /** Whether a sale without a crowd is held before each sale with one, not before all of a round. */
  readonly each: boolean;
  /** Each is one sale without a crowd and one with each crowd. */
  readonly rounds: number;
  /** How long the honest users of a sale press, from its start. */
  readonly windowMs: number;
  readonly honest: number;
  readonly addresses: number;
  readonly workers: number;
  readonly crowds: readonly CrowdForm[];
};

const WINDOW_MS = 6_000;
/** With `each` there are many sales. */
const EACH_WINDOW_MS = 4_000;
/** What a sale takes besides its window: making it, its lead, its verification. */
const AROUND_MS = 2_000;

export function readOptions(args: readonly string[]): SiegeOptions {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean", default: false } as const;
  const flags = {
    quick: boolean,
    strict: boolean,
    each: boolean,
    help: boolean,
    seconds: string,
    rate: string,
  };
  const read = parseFlags(args, {
    ...flags,
    honest: string,
    addresses: string,
    workers: string,
    only: string,
  });
  const { quick, strict, each, help, addresses, workers } = read;
  const seconds = numberFlag("seconds", read.seconds ?? (quick ? "7" : "48"), 1, 600);
  const windowMs = quick ? 1_500 : each ? EACH_WINDOW_MS : WINDOW_MS;
  const ratePerSecond = numberFlag("rate", read.rate ?? (quick ? "4000" : "20000"), 1, 200_000);
  const crowds = crowdForms({ strict, each, only: read.only?.split(",") ?? [], ratePerSecond });
  return {
    ...{ help, strict, each, windowMs, crowds },
    rounds: Math.max(1, Math.round((seconds * 1_000) / ((1 + crowds.length) * (windowMs + AROUND_MS)))),
    honest: numberFlag("honest", read.honest ?? (quick ? "200" : "1000"), 1, 5_000),
    addresses: numberFlag("addresses", addresses ?? "8", 1, 200),
    workers: numberFlag("workers", workers ?? "1", 1, 16),
  };
}
