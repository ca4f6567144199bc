import type { Tolerances } from "../../../audit/facts.ts";
import type { GroundPlan } from "./ground/ground.ts";
import type { Sale, SalePlan } from "./sale.ts";

/** One fault, struck at a chosen moment of a sale of its own. */
export type Round = {
  readonly name: string;
  /** Part of `--quick`. */
  readonly quick?: boolean;
  readonly ground?: GroundPlan;
  readonly sale?: Partial<SalePlan>;
  /** Recorded states in which the campaign is at rest; default SOLD_OUT. */
  readonly restStates?: readonly string[];
  /** What the checks must allow for: a refusal as too early while a clock is behind. */
  readonly lateRefusalMs?: number;
  /**
   * The instants that Redis writes are off by up to so much in this round; only U7 compares them with the
   * callers' clock.
   */
  readonly instantsOffMs?: number;
  /** Runs beside the load, from the creation of the campaign on. */
  readonly act: (sale: Sale) => Promise<void>;
  /** After the last answer, before the stores are audited: what only shows then. */
  readonly after?: (sale: Sale) => Promise<void>;
};

export function tolerancesOf(round: Round): Tolerances {
  return { clockMs: 0, lateRefusalMs: round.lateRefusalMs ?? 250 };
}
