import { type ClaimStage, createClaimStage } from "./claim-stage.ts";
import { type CommitStage, createCommitStage } from "./commit-stage.ts";
import { createSettleStage, type SettleStage } from "./settle-stage.ts";
import type { PipelineDeps } from "./stage.ts";
import { createWaitGate, type WaitGate } from "./wait-gate.ts";

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
