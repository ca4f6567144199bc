import { CircuitOpen } from "./breaker.ts";
import { createPipeline, createStageSlots, type Pipeline } from "./pipeline.ts";
import type { PipelineDeps } from "./stage.ts";

/** The pipelines of all campaigns that this process has claims of. */
export type Pipelines = {
  of(campaignId: string): Pipeline;
  /** Requests and claims that wait or are under way, by queue. */
  sizes(): { claims: number; commits: number; settles: number };
  /** How long a claim that comes now takes, by its queues, in ms: of the campaign where that is longest. */
  waitMs(): number;
  /** Resolves once no claim is under way. */
  idle(): Promise<void>;
};

/** Idle pipelines that are kept: they are small, and more requests for their campaigns are likely. */
const IDLE_PIPELINES_MAX = 1_000;
/** Beyond so many campaigns the generations seen are dropped from memory; the documents have them. */
const GENERATIONS_MAX = 100_000;

export function createPipelines(deps: Omit<PipelineDeps, "leastGenerations" | "slots">): Pipelines {
  const pipelines = new Map<string, Pipeline>();
  const leastGenerations = new Map<string, number>();
  const slots = createStageSlots(deps);

  const sizeOf = ({ claims, commits, settles }: Pipeline) => claims.size() + commits.size() + settles.size();
  // A claim that waits for a rebuild is in none of the queues.
  const isIdle = (one: Pipeline) => sizeOf(one) + one.gate.inside() === 0;

  // A request that waits behind a batch that hangs would wait until its deadline in vain.
  deps.breakers.onOpen(({ kind, campaignId }) => {
    const [queue, store] =
      kind === "pools" ? (["claims", "Redis"] as const) : (["commits", "MongoDB"] as const);
    const those = campaignId === undefined ? [...pipelines.values()] : [pipelines.get(campaignId)];
    for (const one of those) one?.[queue].rejectWaiting(new CircuitOpen(`${store} does not answer`));
  });

  return {
    of(campaignId) {
      const existing = pipelines.get(campaignId);
      if (existing !== undefined) return existing;
      if (pipelines.size >= IDLE_PIPELINES_MAX) {
        for (const [id, pipeline] of pipelines) if (isIdle(pipeline)) pipelines.delete(id);
      }
      if (leastGenerations.size >= GENERATIONS_MAX) leastGenerations.clear();
      const pipeline = createPipeline({ ...deps, leastGenerations, slots }, campaignId);
      pipelines.set(campaignId, pipeline);
      return pipeline;
    },

    sizes() {
      const all = [...pipelines.values()];
      const sum = (queue: "claims" | "commits" | "settles") =>
        all.reduce((total, pipeline) => total + pipeline[queue].size(), 0);
      return { claims: sum("claims"), commits: sum("commits"), settles: sum("settles") };
    },

    waitMs: () => [...pipelines.values()].reduce((most, { gate }) => Math.max(most, gate.waitMs()), 0),

    async idle() {
      // In the order of the flow: an item of one queue moves on to the next one.
      for (const pipeline of pipelines.values()) {
        await pipeline.claims.idle();
        await pipeline.commits.idle();
        await pipeline.settles.idle();
      }
    },
  };
}
