import { MongoError } from "mongodb";
import { MissingErasureKey } from "../campaign/erasure/pseudonyms.ts";
import { NEWER_CAMPAIGN, STORE_AWAY } from "../campaign/refusal.ts";
import type { Restore } from "../campaign/restore.ts";
import type { Claim } from "../pool/answers.ts";
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
import type { Pipeline } from "./pipeline.ts";
import { createPipelines, type Pipelines } from "./pipelines.ts";
import { createShedding, type SheddingDeps } from "./shedding.ts";
import type { PipelineDeps } from "./stage.ts";
import { isNoAnswer } from "./store-error.ts";
import { createUncertainLog } from "./uncertain-log.ts";
import type { Left } from "./wait-gate.ts";
import { createWaitRefusals, type WaitRefusalsDeps } from "./wait-refusals.ts";

export type Claimer = Pick<Pipelines, "sizes" | "waitMs" | "idle"> & {
  /**
   * The durable coupon of this claim key, or a refusal; without a promise where the answer is known. A
   * failure of a store is a refusal, never a rejection.
   */
  issue(ask: IssueAsk): Issue | Promise<Issue>;
  /** The answer to a claim key that needs no store, for a request that does not claim. */
  remembered(campaignId: string, claimKey: string): Issue | undefined;
  /** Makes a claim from the ledger durable and drops its entry. Rejects when the outcome is uncertain. */
  finish(claim: Claim): Promise<void>;
};

type Asked = Pick<IssueAsk, "campaignId" | "claimKey">;

/**
 * `isTaken`: a batch with the claim was or is sent. `isLate`: its deadline has passed: none is to be sent.
 */
type Sending = { isTaken: boolean; isLate: boolean };

export type ClaimerDeps = Omit<PipelineDeps, "leastGenerations" | "slots"> &
  WaitRefusalsDeps &
  Pick<KnownAnswersDeps, "campaigns" | "filterSeed"> & {
    issueDeadlineMs: number;
    heldMax: SheddingDeps["heldMax"];
  };

/** How often one request may pop a code of another claim key before it gets UNCERTAIN. */
const STALE_CODES_MAX = 5;
/** The pause before a pool under rebuild is asked again, in ms. */
const REBUILD_POLL_MS = 25;

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { clock, restore, metrics, breakers } = deps;
  const known = createKnownAnswers(deps);
  const { notStarted, comingAgain, overloaded } = createWaitRefusals(deps);
  const refuseWithoutKey = createKeyRefusals(deps.logger);
  const logUncertain = createUncertainLog(deps.logger.child({ component: "claims" }), clock);
  const pipelines = createPipelines(deps);
  const shedding = createShedding(deps);

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
    if (breakers.commits.state(claim.campaignId) !== "open")
      return pipeline.commits.push(span === undefined ? claim : { ...claim, span });
    // Starts a probe if one is due.
    breakers.commits.admit(claim.campaignId);
    return Promise.reject(new CircuitOpen("MongoDB does not answer"));
  }

  async function attempt(ask: IssueAsk, pipeline: Pipeline, sending: Sending): Promise<Issue> {
    const { campaignId, claimKey, userId, facts } = ask;
    const { leastGeneration, maxPerUser } = facts;
    const redis = breakers.pool(campaignId);
    const isGone = () => sending.isLate || ask.caller.aborted;
    const take = () => {
      if (isGone()) return false;
      sending.isTaken = true;
      return true;
    };
    /** The caller no longer waits: before a code was popped for it, nothing was tried. */
    const tooLate = (stale: number) => refused({ reason: stale === 0 ? "DEADLINE_EXCEEDED" : "UNCERTAIN" });
    for (let stale = 0; stale < STALE_CODES_MAX; ) {
      if (isGone()) return tooLate(stale);
      if (redis.admit() === "refuse") return storeAway();
      const askedAtMs = clock.elapsed();
      const asked = { claimKey, userId, leastGeneration, maxPerUser, take, span: ask.caller.span };
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

  function claim(ask: IssueAsk): Issue | Promise<Issue> {
    const pipeline = pipelines.of(ask.campaignId);
    const shed = shedding.refusal(ask.campaignId, pipeline.gate);
    return shed === undefined ? claimWithin(ask, pipeline) : refused(overloaded(ask, shed.comeAgainMs));
  }

  async function claimWithin(ask: IssueAsk, pipeline: Pipeline): Promise<Issue> {
    const { gate } = pipeline;
    const leave = shedding.enter(gate);
    const sending = { isLate: false, isTaken: false };
    let left: Left = "failed";
    const leftMs = Math.max(0, deps.issueDeadlineMs - (ask.spentMs ?? 0));
    try {
      const issue = await withDeadline(attempt(ask, pipeline, sending), leftMs, "IssueCoupon", clock);
      left = issue.kind === "issued" && !issue.replayed ? "issued" : "answered";
      return issue;
    } catch (error) {
      if (error instanceof QueueFull) return refused(overloaded(ask, gate.comeAgainMs()));
      if (error instanceof CircuitOpen) return storeAway();
      if (error instanceof NewerShape) return refused(NEWER_CAMPAIGN);
      if (error instanceof MissingErasureKey) return refuseWithoutKey(ask.campaignId, error);
      if (error instanceof DeadlineExceeded) sending.isLate = true;
      else logUncertain(ask.campaignId, error, ask.caller);
      return error instanceof DeadlineExceeded && !sending.isTaken
        ? refused(overloaded(ask, gate.comeAgainMs()))
        : refused({ reason: "UNCERTAIN" });
    } finally {
      leave(left);
    }
  }

  return {
    issue: (ask) => recall(ask) ?? claim(ask),

    remembered: (campaignId, claimKey) => recall({ campaignId, claimKey }, true),

    async finish(claim) {
      await commit(pipelines.of(claim.campaignId), claim);
    },

    sizes: pipelines.sizes,
    waitMs: pipelines.waitMs,
    idle: pipelines.idle,
  };
}
