import { MongoError } from "mongodb";
import { STORE_AWAY } from "../campaign/refusal.ts";
import type { Restore } from "../campaign/restore.ts";
import type { Claim } from "../pool/answers.ts";
import type { Campaigns } from "../record/campaigns.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { DeadlineExceeded, withDeadline } from "../runtime/deadline.ts";
import { QueueFull } from "./batch-queue.ts";
import { type Breaker, CircuitOpen } from "./breaker.ts";
import type { Commit } from "./commit-stage.ts";
import { type Issue, type IssueAsk, refusalOf, refused } from "./issue.ts";
import { createKnownAnswers } from "./known-answers.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";
import type { PipelineDeps } from "./stage.ts";
import { isNoAnswer } from "./store-error.ts";
import { createUncertainLog } from "./uncertain-log.ts";

export type Claimer = {
  /**
   * The coupon of this claim key, durable, or why not; at once where it is known. Never rejects for what a
   * store does.
   */
  issue(ask: IssueAsk): Issue | Promise<Issue>;
  /** Makes a claim from the ledger durable and drops its entry. Rejects when that is uncertain. */
  finish(claim: Claim): Promise<void>;
  /** Requests and claims in this process that wait or are under way, by queue. */
  sizes(): { claims: number; commits: number; settles: number };
  /** True while new claims are held back because nothing can be made durable. */
  holdsBack(): boolean;
  /** Resolves once nothing is under way. */
  idle(): Promise<void>;
};

export type ClaimerDeps = Omit<PipelineDeps, "leastGenerations"> & {
  campaigns: Campaigns;
  clock: Clock;
  issueDeadlineMs: number;
};

/** How often one request may meet a code that belongs to somebody else before it is told to ask again. */
const STALE_CODES_MAX = 5;
/** How often a pool under rebuild is asked whether it answers again, in ms. */
const REBUILD_POLL_MS = 25;
/**
 * Pipelines kept although nothing is under way in them: they are small, and their campaign is likely asked
 * again.
 */
const IDLE_PIPELINES_MAX = 1_000;
/**
 * Beyond so many campaigns the generations that were seen are forgotten; the campaigns' records still tell
 * them.
 */
const GENERATIONS_MAX = 100_000;

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { clock, restore, metrics, breakers } = deps;
  const { commits: mongo } = breakers;
  const known = createKnownAnswers(deps);
  const logUncertain = createUncertainLog(deps.logger.child({ component: "claims" }), clock);
  const pipelines = new Map<string, Pipeline>();
  const leastGenerations = new Map<string, number>();

  const sizeOf = ({ claims, commits, settles }: Pipeline) => claims.size() + commits.size() + settles.size();

  function pipelineOf(campaignId: string): Pipeline {
    const existing = pipelines.get(campaignId);
    if (existing !== undefined) return existing;
    if (pipelines.size >= IDLE_PIPELINES_MAX) {
      for (const [id, pipeline] of pipelines) if (sizeOf(pipeline) === 0) pipelines.delete(id);
    }
    if (leastGenerations.size >= GENERATIONS_MAX) leastGenerations.clear();
    const pipeline = createPipeline({ ...deps, leastGenerations }, campaignId);
    pipelines.set(campaignId, pipeline);
    return pipeline;
  }

  // Whoever waits behind a batch that hangs would wait out its deadline for nothing.
  breakers.onOpen((campaignId) => {
    if (campaignId !== undefined) {
      pipelines.get(campaignId)?.claims.rejectWaiting(new CircuitOpen("Redis does not answer"));
      return;
    }
    for (const { commits } of pipelines.values())
      commits.rejectWaiting(new CircuitOpen("MongoDB does not answer"));
  });

  /** Nothing was tried, or all that was has been answered in vain. */
  function storeAway(): Issue {
    metrics.heldBack.inc();
    return refused(STORE_AWAY);
  }

  /**
   * @throws whatever leaves it uncertain; CircuitOpen: the claim stays in the ledger, for the next that asks
   * or for the sweeper
   */
  function commit(pipeline: Pipeline, claim: Claim): Promise<Commit> {
    if (mongo.state() !== "open") return pipeline.commits.push(claim);
    // Sets off a probe where one is due.
    mongo.admit();
    return Promise.reject(new CircuitOpen("MongoDB does not answer"));
  }

  async function attempt(ask: IssueAsk, expired: () => boolean): Promise<Issue> {
    const { campaignId, claimKey, userId, facts } = ask;
    const { leastGeneration } = facts;
    const pipeline = pipelineOf(campaignId);
    const redis = breakers.pool(campaignId);
    for (let stale = 0; stale < STALE_CODES_MAX; ) {
      if (expired()) return refused({ reason: "UNCERTAIN" });
      if (redis.admit() === "refuse") return storeAway();
      const askedAtMs = clock.elapsed();
      const answer = await pipeline.claims.push({ claimKey, userId, leastGeneration, expired });
      if (answer.kind !== "expired") known.learn(campaignId, answer, askedAtMs);
      switch (answer.kind) {
        case "replay":
          return { kind: "issued", held: answer.claim, replayed: true };
        case "claimed":
        case "pending": {
          const done = await commit(pipeline, answer.claim).catch((error: unknown) => {
            // The code is popped already: this is no "nothing was tried".
            if (error instanceof QueueFull || error instanceof CircuitOpen)
              throw new Error("a claim was not committed", { cause: error });
            throw error;
          });
          if (done.kind === "durable") {
            // Another code than the one just popped: the key had its coupon already.
            const replayed = answer.kind === "pending" || done.held.code !== answer.claim.code;
            return { kind: "issued", held: done.held, replayed };
          }
          if (done.kind === "removed") return refused({ reason: "UNKNOWN_CAMPAIGN" });
          stale++;
          break;
        }
        case "held-back":
          return storeAway();
        case "sold":
          return refused({ reason: "SOLD_OUT" });
        case "early":
          return refused({ reason: "NOT_STARTED", startsAtMs: answer.startsAtMs, waitMs: answer.waitMs });
        case "not-open":
          return refused(refusalOf(answer.state));
        case "expired":
          return refused({ reason: "UNCERTAIN" });
        case "none":
        case "fenced":
        case "held": {
          const outcome = await restoreWithin(campaignId, redis);
          if (outcome === "not-ready") return refused({ reason: "NOT_READY" });
          if (outcome === "called-off") return refused({ reason: "CANCELLED" });
          if (outcome === "gone") return refused({ reason: "UNKNOWN_CAMPAIGN" });
          // Not by us: somebody else is at it, or was, or will have to try again.
          if (outcome !== "loaded" && outcome !== "turned") {
            await sleep(clock, REBUILD_POLL_MS);
          }
          break;
        }
        default:
          return answer satisfies never;
      }
    }
    return refused({ reason: "UNCERTAIN" });
  }

  /**
   * A rebuild asks both stores, and everybody waits for the same one: not at all while a store is known to be
   * away.
   */
  async function restoreWithin(campaignId: string, redis: Breaker): ReturnType<Restore> {
    if (breakers.reads.admit() === "refuse") throw new CircuitOpen("MongoDB does not answer");
    const restoring = restore(campaignId).catch((error: unknown) => {
      if (error instanceof MongoError) breakers.reads.suspect();
      else if (isNoAnswer(error)) redis.suspect();
      throw error;
    });
    return breakers.reads.unlessOpened(redis.unlessOpened(restoring));
  }

  /** What need not be asked; a caller that has gone is told nothing anyway. */
  function recall({ campaignId, claimKey }: IssueAsk): Issue | undefined {
    const answer = known.recall(campaignId, claimKey);
    if (answer === undefined) return undefined;
    metrics.fromMemory.inc();
    switch (answer.kind) {
      case "replay":
        return { kind: "issued", held: answer.held, replayed: true };
      case "sold":
        return refused({ reason: "SOLD_OUT" });
      case "early": {
        const { startsAtMs } = answer;
        // Both clocks must have reached the start, ours too.
        const waitMs = Math.max(1, startsAtMs - clock.now(), answer.redisWaitMs);
        return refused({ reason: "NOT_STARTED", startsAtMs, waitMs });
      }
      default:
        return answer satisfies never;
    }
  }

  async function claimWithin(ask: IssueAsk): Promise<Issue> {
    let late = false;
    const leftMs = Math.max(0, deps.issueDeadlineMs - (ask.spentMs ?? 0));
    const expired = () => late || ask.caller.aborted;
    try {
      return await withDeadline(attempt(ask, expired), leftMs, "IssueCoupon", clock);
    } catch (error) {
      if (error instanceof QueueFull) return refused({ reason: "OVERLOADED" });
      if (error instanceof CircuitOpen) return storeAway();
      if (error instanceof DeadlineExceeded) late = true;
      else logUncertain(ask.campaignId, error);
      return refused({ reason: "UNCERTAIN" });
    }
  }

  return {
    issue: (ask) => recall(ask) ?? claimWithin(ask),

    async finish(claim) {
      await commit(pipelineOf(claim.campaignId), claim);
    },

    sizes() {
      const all = [...pipelines.values()];
      const sum = (queue: keyof Pipeline) =>
        all.reduce((total, pipeline) => total + pipeline[queue].size(), 0);
      return { claims: sum("claims"), commits: sum("commits"), settles: sum("settles") };
    },

    holdsBack: breakers.anyOpen,

    async idle() {
      // In the order of the flow: what a queue holds ends up in the next one.
      for (const pipeline of pipelines.values()) {
        await pipeline.claims.idle();
        await pipeline.commits.idle();
        await pipeline.settles.idle();
      }
    },
  };
}
