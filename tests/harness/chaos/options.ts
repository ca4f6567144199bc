import { randomInt } from "node:crypto";
import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";
import { Trouble } from "../../../bench/trouble.ts";
import { REDIS_FORMS, type RedisForm } from "./ground/redis-form.ts";

export type ChaosOptions = {
  /** Empty: all rounds. */
  readonly rounds: readonly string[];
  readonly seed: number;
  readonly quick: boolean;
  readonly redis: readonly RedisForm[];
  readonly list: boolean;
  readonly mutants: boolean;
  readonly alerts: boolean;
  /** Of `alerts`: names of alerts or of their rounds; empty: all. */
  readonly only: readonly string[];
  readonly help: boolean;
};

export const USAGE = `usage: npm run chaos -- [--quick] [--redis FORM]… [--round NAME]… [--seed N] [--list] [--mutants] [--help]
       npm run chaos -- --alerts [--only NAME]… [--seed N] [--list]

  --quick       the most telling rounds only, about 90 s; all of them take about 7 minutes
  --redis FORM  ${REDIS_FORMS.join(" or ")} (default ${REDIS_FORMS[0]}): the form of Redis, with the rounds that exist in it; may be given several times
  --round NAME  only this round; may be given several times
  --seed N      what is left to chance is repeated: the order of the callers, the faults of the mixed rounds
  --list        the names of the rounds
  --mutants     breaks copies of the product on purpose and expects each to be noticed; --round then names mutants
  --alerts      a Prometheus with the shipped rules watches: each alert fires under its fault, resolves after it, and
                none disturbs a healthy sale; about 7 minutes
  --only NAME   only this alert, or this round of --alerts; may be given several times`;

const SEED_MOST = 2 ** 31 - 1;

const FLAGS = {
  redis: { type: "string", multiple: true, default: [REDIS_FORMS[0]] as string[] },
  round: { type: "string", multiple: true, default: [] as string[] },
  seed: { type: "string" },
  quick: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  mutants: { type: "boolean", default: false },
  alerts: { type: "boolean", default: false },
  only: { type: "string", multiple: true, default: [] as string[] },
  help: { type: "boolean", default: false },
} as const;

export function readOptions(args: readonly string[]): ChaosOptions {
  const { redis, round, seed, quick, list, mutants, alerts, only, help } = parseFlags(args, FLAGS, USAGE);
  if (only.length > 0 && !alerts) throw new Trouble("--only is of --alerts; --round names a round of a sale");
  if (alerts && (quick || mutants || round.length > 0 || redis.join() !== REDIS_FORMS[0]))
    throw new Trouble("--alerts goes with --only, --seed and --list alone");
  const forms = redis.map((given) => {
    const form = REDIS_FORMS.find((one) => one === given);
    if (form === undefined) throw new Trouble(`--redis is ${REDIS_FORMS.join(" or ")}, not "${given}"`);
    return form;
  });
  return {
    rounds: round,
    redis: forms,
    seed: seed === undefined ? randomInt(1, SEED_MOST) : numberFlag("seed", seed, 0, SEED_MOST),
    ...{ quick, list, mutants, alerts, only, help },
  };
}
