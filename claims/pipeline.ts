import { type ClaimStage, createClaimStage } from "./claim-stage.ts";
import { type CommitStage, createCommitStage } from "./commit-stage.ts";
import { createFairSlots } from "./fair-slots.ts";
import { createSettleStage, type SettleStage } from "./settle-stage.ts";
import type { PipelineDeps, StageSlots } from "./stage.ts";
import { createWaitGate, type WaitGate } from "./wait-gate.ts";

/**
 * Of all campaigns together, while several are active. A busy campaign keeps as many full batches under way
 * as alone, and many quiet ones do not wait for each other where the stores are far away. The prices:
 * docs/performance.md.
 */
const SHARED = {
  claims: { underWayMax: 1_056, fixedPrice: 8, batchMax: 256 },
  commits: { underWayMax: 2_176, fixedPrice: 16, batchMax: 256 },
  settles: { underWayMax: 1_032, fixedPrice: 8, batchMax: 250 },
} as const;

export function createStageSlots({ clock }: Pick<PipelineDeps, "clock">): StageSlots {
  return {
    claims: createFairSlots({ clock, ...SHARED.claims }),
    commits: createFairSlots({ clock, ...SHARED.commits }),
    settles: createFairSlots({ clock, ...SHARED.settles }),
  };
}

/** The three stages of a claim, for one campaign; claims pass them in this order. */
export type Pipeline = {
  readonly gate: WaitGate;
  readonly claims: ClaimStage;
  /**
   * Makes a claim durable; resolves only after MongoDB has acknowledged it. Also has the ledger entry
   * dropped, later.
   */
  readonly commits: CommitStage;
  readonly settles: SettleStage;
};

export function createPipeline(deps: PipelineDeps, campaignId: string): Pipeline {
  const stage = { ...deps, campaignId, logger: deps.logger.child({ component: "claims" }) };
  const settles = createSettleStage(stage);
  return {
    gate: createWaitGate({ clock: deps.clock, targetMs: deps.waitTargetMs, least: deps.claimBatchMax }),
    claims: createClaimStage(stage),
    commits: createCommitStage(stage, settles),
    settles,
  };
}
