import type { Tolerances } from "../../../audit/facts.ts";
import type { GroundPlan } from "./ground/ground.ts";
import type { Sale, SalePlan } from "./sale.ts";

/** One fault, at a chosen moment of a sale of its own. */
export type Round = {
  readonly name: string;
  /** Part of `--quick`. */
  readonly quick?: boolean;
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

export function tolerancesOf(round: Round): Tolerances {
  return { clockMs: 0, lateRefusalMs: round.lateRefusalMs ?? 250 };
}
