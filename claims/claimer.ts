import { MongoError } from "mongodb";
import { MissingErasureKey } from "../campaign/erasure/pseudonyms.ts";
import { NEWER_CAMPAIGN, STORE_AWAY } from "../campaign/refusal.ts";
import type { Restore } from "../campaign/restore.ts";
import type { Claim } from "../pool/answers.ts";
import type { Campaigns } from "../record/campaigns.ts";
import { sleep } from "../runtime/clock.ts";
import { DeadlineExceeded, withDeadline } from "../runtime/deadline.ts";
import { NewerShape } from "../runtime/stored-shape.ts";
import type { Span } from "../runtime/tracer.ts";
import { QueueFull } from "./batch-queue.ts";
import { type Breaker, CircuitOpen } from "./breaker.ts";
import type { Commit } from "./commit-stage.ts";
import { type Issue, type IssueAsk, refusalOf, refused } from "./issue.ts";
import { createKeyRefusals } from "./key-refusals.ts";
import { createKnownAnswers, type KnownAnswersDeps } from "./known-answers.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";
import type { PipelineDeps } from "./stage.ts";
import { isNoAnswer } from "./store-error.ts";
import { createUncertainLog } from "./uncertain-log.ts";
import { createWaitRefusals, type WaitRefusalsDeps } from "./wait-refusals.ts";

export type Claimer = {
  /**
   * The durable coupon of this claim key, or a refusal; without a promise where the answer is known. A
   * failure of a store is a refusal, never a rejection.
   */
  issue(ask: IssueAsk): Issue | Promise<Issue>;
  /** The answer to a claim key that needs no store, for a request that does not claim. */
  remembered(campaignId: string, claimKey: string): Issue | undefined;
  /** Makes a claim from the ledger durable and drops its entry. Rejects when the outcome is uncertain. */
  finish(claim: Claim): Promise<void>;
  /** Requests and claims in this process that wait or are under way, by queue. */
  sizes(): { claims: number; commits: number; settles: number };
  /** Resolves once no claim is under way. */
  idle(): Promise<void>;
};

type Asked = Pick<IssueAsk, "campaignId" | "claimKey">;

export type ClaimerDeps = Omit<PipelineDeps, "leastGenerations"> &
  WaitRefusalsDeps &
  Pick<KnownAnswersDeps, "filterSeed"> & {
    campaigns: Campaigns;
    issueDeadlineMs: number;
  };

/** How often one request may pop a code of another claim key before it gets UNCERTAIN. */
const STALE_CODES_MAX = 5;
/** The pause before a pool under rebuild is asked again, in ms. */
const REBUILD_POLL_MS = 25;
/** Idle pipelines that are kept: they are small, and more requests for their campaigns are likely. */
const IDLE_PIPELINES_MAX = 1_000;
/** Beyond so many campaigns the generations seen are dropped from memory; the documents have them. */
const GENERATIONS_MAX = 100_000;

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { clock, restore, metrics, breakers } = deps;
  const { commits: mongo } = breakers;
  const known = createKnownAnswers(deps);
  const { notStarted, comingAgain } = createWaitRefusals(deps);
  const refuseWithoutKey = createKeyRefusals(deps.logger);
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

  // A request that waits behind a batch that hangs would wait until its deadline in vain.
  breakers.onOpen((campaignId) => {
    if (campaignId !== undefined) {
      pipelines.get(campaignId)?.claims.rejectWaiting(new CircuitOpen("Redis does not answer"));
      return;
    }
    for (const { commits } of pipelines.values())
      commits.rejectWaiting(new CircuitOpen("MongoDB does not answer"));
  });

  /** The refusal where this request has no code: it was not sent, or no answer brought a coupon. */
  function storeAway(): Issue {
    metrics.heldBack.inc();
    return refused(STORE_AWAY);
  }

  /**
   * @throws any error after which the outcome is uncertain. CircuitOpen: the claim stays in the ledger, for
   * the next request with its key or for the sweeper
   */
  function commit(pipeline: Pipeline, claim: Claim, span?: Span): Promise<Commit> {
    if (mongo.state() !== "open")
      return pipeline.commits.push(span === undefined ? claim : { ...claim, span });
    // Starts a probe if one is due.
    mongo.admit();
    return Promise.reject(new CircuitOpen("MongoDB does not answer"));
  }

  async function attempt(ask: IssueAsk, expired: () => boolean): Promise<Issue> {
    const { campaignId, claimKey, userId, facts } = ask;
    const { leastGeneration, maxPerUser } = facts;
    const pipeline = pipelineOf(campaignId);
    const redis = breakers.pool(campaignId);
    /** The caller no longer waits: before a code was popped for it, nothing was tried. */
    const tooLate = (stale: number) => refused({ reason: stale === 0 ? "DEADLINE_EXCEEDED" : "UNCERTAIN" });
    for (let stale = 0; stale < STALE_CODES_MAX; ) {
      if (expired()) return tooLate(stale);
      if (redis.admit() === "refuse") return storeAway();
      const askedAtMs = clock.elapsed();
      const asked = { claimKey, userId, leastGeneration, maxPerUser, expired, span: ask.caller.span };
      const answer = await pipeline.claims.push(asked);
      if (answer.kind !== "expired") known.learn(campaignId, answer, askedAtMs);
      switch (answer.kind) {
        case "replay":
          return { kind: "issued", coupon: answer.claim, replayed: true };
        case "claimed":
        case "pending": {
          const done = await commit(pipeline, answer.claim, ask.caller.span).catch((error: unknown) => {
            // The code is popped already, so the answer must be UNCERTAIN and not a refusal before any step.
            if (error instanceof QueueFull || error instanceof CircuitOpen)
              throw new Error("a claim was not committed", { cause: error });
            throw error;
          });
          if (done.kind === "durable") {
            // A code other than the one just popped: the key had its coupon already.
            const replayed = answer.kind === "pending" || done.coupon.code !== answer.claim.code;
            return { kind: "issued", coupon: done.coupon, replayed };
          }
          if (done.kind === "removed") return refused({ reason: "UNKNOWN_CAMPAIGN" });
          stale++;
          break;
        }
        case "withheld":
          return storeAway();
        case "sold":
          return refused({ reason: "SOLD_OUT" });
        case "full":
          return refused({ reason: "MAX_PER_USER", most: facts.maxPerUser });
        case "early":
          return refused(notStarted(ask, answer, answer.waitMs));
        case "not-open":
          return refused(comingAgain(ask, refusalOf(answer.state)));
        case "expired":
          return tooLate(stale);
        case "none":
        case "fenced":
        case "frozen": {
          const outcome = await restoreWithin(campaignId, redis);
          if (outcome === "not-ready") return refused(comingAgain(ask, { reason: "NOT_READY" }));
          if (outcome === "called-off") return refused({ reason: "CANCELLED" });
          if (outcome === "gone") return refused({ reason: "UNKNOWN_CAMPAIGN" });
          // This process did not rebuild it: another one has or had the lease, or the load must be tried
          // again.
          if (outcome !== "loaded" && outcome !== "turned") await sleep(clock, REBUILD_POLL_MS);
          break;
        }
        default:
          return answer satisfies never;
      }
    }
    return refused({ reason: "UNCERTAIN" });
  }

  /**
   * Waits for the rebuild that all requests share. It needs both stores: while a breaker of one is open, it
   * rejects at once.
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

  /** The answer from memory, if there is one; it is made even for a caller that has gone. */
  function recall({ campaignId, claimKey }: Asked, isFinal = false): Issue | undefined {
    const answer = known.recall(campaignId, claimKey, isFinal);
    if (answer === undefined) return undefined;
    metrics.fromMemory.count();
    switch (answer.kind) {
      case "replay":
        return { kind: "issued", coupon: answer.coupon, replayed: true };
      case "sold":
        return refused({ reason: "SOLD_OUT" });
      case "early": {
        // Both clocks must have reached the start, that of Redis and that of this process.
        const waitMs = Math.max(1, answer.startsAtMs - clock.now(), answer.redisWaitMs);
        return refused(notStarted({ campaignId, claimKey }, answer, waitMs));
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
      if (error instanceof NewerShape) return refused(NEWER_CAMPAIGN);
      if (error instanceof MissingErasureKey) return refuseWithoutKey(ask.campaignId, error);
      if (error instanceof DeadlineExceeded) late = true;
      else logUncertain(ask.campaignId, error, ask.caller);
      return refused({ reason: "UNCERTAIN" });
    }
  }

  return {
    issue: (ask) => recall(ask) ?? claimWithin(ask),

    remembered: (campaignId, claimKey) => recall({ campaignId, claimKey }, true),

    async finish(claim) {
      await commit(pipelineOf(claim.campaignId), claim);
    },

    sizes() {
      const all = [...pipelines.values()];
      const sum = (queue: keyof Pipeline) =>
        all.reduce((total, pipeline) => total + pipeline[queue].size(), 0);
      return { claims: sum("claims"), commits: sum("commits"), settles: sum("settles") };
    },

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
