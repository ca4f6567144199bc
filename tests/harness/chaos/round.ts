import type { Tolerances } from "../../../audit/facts.ts";
import type { GroundPlan } from "./ground/ground.ts";
import { REDIS_FORMS, type RedisForm } from "./ground/redis-form.ts";
import type { Sale, SalePlan } from "./sale.ts";

/** One fault, at a chosen moment of a sale of its own. */
export type Round = {
  readonly name: string;
  /** Part of `--quick`: on the first of its forms of Redis, or on these. */
  readonly quick?: true | readonly RedisForm[];
  /** The forms of Redis in which the fault exists; default: all. */
  readonly forms?: readonly [RedisForm, ...RedisForm[]];
  readonly ground?: GroundPlan;
  readonly sale?: Partial<SalePlan>;
  /** Recorded states in which the campaign is at rest; default SOLD_OUT. */
  readonly restStates?: readonly string[];
  /** For how long the checks allow a refusal as too early, because a clock is behind; in ms. */
  readonly lateRefusalMs?: number;
  /**
   * The largest error of the instants that Redis writes in this round, in ms; only U7 compares them with the
   * callers' clock.
   */
  readonly instantsOffMs?: number;
  /** Runs beside the load, from the creation of the campaign on. */
  readonly act: (sale: Sale) => Promise<void>;
  /** Runs after the last answer and before the stores are audited, for proofs that are possible only then. */
  readonly after?: (sale: Sale) => Promise<void>;
};

export function isFor({ forms = REDIS_FORMS }: Round, form: RedisForm): boolean {
  return forms.includes(form);
}

export function isQuick({ quick, forms: [first] = REDIS_FORMS }: Round, form: RedisForm): boolean {
  return quick === true ? form === first : quick?.includes(form) === true;
}

export function tolerancesOf(round: Round): Tolerances {
  return { clockMs: 0, lateRefusalMs: round.lateRefusalMs ?? 250 };
}
