import type { ClaimMetrics } from "../runtime/claim-metrics.ts";
import type { StoreBreakers } from "./store-breakers.ts";
import type { Left, WaitGate } from "./wait-gate.ts";

/** Decides which claims are refused as they come, because the process could not answer them in time. */
export type Shedding = {
  /** undefined: the claim is admitted. `comeAgainMs`: see WaitGate. */
  refusal(campaignId: string, gate: WaitGate): { readonly comeAgainMs: number | undefined } | undefined;
  /** A claim was admitted. Call what this returns once it has left. */
  enter(gate: WaitGate): (left: Left) => void;
};

export type SheddingDeps = {
  readonly breakers: StoreBreakers;
  readonly metrics: Pick<ClaimMetrics, "shed">;
  /** Claims of all campaigns that are held at a time: they bound the memory that requests take. */
  readonly heldMax: number;
};

/** The most that one campaign holds of `heldMax`, so that a crowd on it leaves room for the others. */
const HELD_BY_ONE = 3 / 4;

export function createShedding({ breakers, metrics, heldMax }: SheddingDeps): Shedding {
  let held = 0;

  return {
    refusal(campaignId, gate) {
      const isFull = held >= heldMax || gate.inside() >= HELD_BY_ONE * heldMax;
      const comeAgainMs = isFull ? gate.comeAgainMs() : gate.shedMs();
      if (!isFull) {
        if (comeAgainMs === undefined) return undefined;
        // While a breaker is not closed it decides: what is refused then starts its probe, and a trial must
        // come through.
        const isProbed =
          breakers.commits.state(campaignId) !== "closed" || breakers.pool(campaignId).state() !== "closed";
        if (isProbed) return undefined;
      }
      metrics.shed.count();
      return { comeAgainMs };
    },

    enter(gate) {
      const admitted = gate.enter();
      held += 1;
      return (left) => {
        held -= 1;
        gate.leave(admitted, left);
      };
    },
  };
}
