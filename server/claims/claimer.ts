import type { Claim, PoolState } from "../../pool/pool.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { Clock } from "../../runtime/clock.ts";
import { DeadlineExceeded, withDeadline } from "../../runtime/deadline.ts";
import type { CampaignFacts } from "../directory.ts";
import type { Refusal } from "../refusal.ts";
import { QueueFull } from "./batch-queue.ts";
import { createBreaker } from "./breaker.ts";
import { createKnownAnswers } from "./known-answers.ts";
import { createLane, type Lane, type LaneDeps } from "./lane.ts";

export type Issue =
  | { readonly kind: "issued"; readonly held: Claim; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Who waits; an AbortSignal is one. */
export type Caller = {
  /** The caller has gone or its own deadline has passed. Looked at before the claim, never after. */
  readonly aborted: boolean;
};

export type IssueAsk = {
  readonly campaignId: string;
  readonly facts: CampaignFacts;
  readonly claimKey: string;
  /** The user who asks, where that is not the claim key; empty: not given. */
  readonly userId: string;
  readonly caller: Caller;
  /** Of its deadline, in ms: what went by before this. */
  readonly spentMs?: number;
};

export type Claimer = {
  /** The coupon of this claim key, durable, or why not; at once where it is known. Never rejects for what a store does. */
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

export type ClaimerDeps = Omit<LaneDeps, "breaker" | "leastGenerations"> & {
  campaigns: Campaigns;
  clock: Clock;
  issueDeadlineMs: number;
  /** A commit under way for longer than this stops new claims. */
  commitStallMs: number;
};

/** How often one request may meet a code that belongs to somebody else before it is told to ask again. */
const STALE_CODES_MAX = 5;
/** How often a pool under rebuild is asked whether it answers again, in ms. */
const REBUILD_POLL_MS = 25;
/** Lanes kept although nothing is under way in them: they are small, and their campaign is likely asked again. */
const IDLE_LANES_MAX = 1_000;
/** Beyond so many campaigns the generations that were seen are forgotten; the campaigns' records still tell them. */
const GENERATIONS_MAX = 100_000;

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { clock, restore, metrics } = deps;
  const breaker = createBreaker(clock, deps.commitStallMs);
  const known = createKnownAnswers(deps);
  const lanes = new Map<string, Lane>();
  const leastGenerations = new Map<string, number>();

  const sizeOf = ({ claims, commits, settles }: Lane) => claims.size() + commits.size() + settles.size();

  function laneOf(campaignId: string): Lane {
    const existing = lanes.get(campaignId);
    if (existing !== undefined) return existing;
    if (lanes.size >= IDLE_LANES_MAX) {
      for (const [id, lane] of lanes) if (sizeOf(lane) === 0) lanes.delete(id);
    }
    if (leastGenerations.size >= GENERATIONS_MAX) leastGenerations.clear();
    const lane = createLane({ ...deps, breaker, leastGenerations }, campaignId);
    lanes.set(campaignId, lane);
    return lane;
  }

  async function attempt(ask: IssueAsk, expired: () => boolean): Promise<Issue> {
    const { campaignId, claimKey, userId, facts } = ask;
    const { leastGeneration } = facts;
    const lane = laneOf(campaignId);
    for (let stale = 0; stale < STALE_CODES_MAX; ) {
      if (expired()) return refused({ reason: "UNCERTAIN" });
      const askedAtMs = clock.elapsed();
      const answer = await lane.claims.push({ claimKey, userId, leastGeneration, expired });
      if (answer.kind !== "expired") known.learn(campaignId, answer, askedAtMs);
      switch (answer.kind) {
        case "replay":
          return { kind: "issued", held: answer.claim, replayed: true };
        case "claimed":
        case "pending": {
          const commit = await lane.commits.push(answer.claim).catch((error: unknown) => {
            // The code is popped already: this is no "nothing was tried".
            if (error instanceof QueueFull) throw new Error("no room to commit a claim", { cause: error });
            throw error;
          });
          if (commit.kind === "durable") {
            // Another code than the one just popped: the key had its coupon already.
            const replayed = answer.kind === "pending" || commit.held.code !== answer.claim.code;
            return { kind: "issued", held: commit.held, replayed };
          }
          if (commit.kind === "removed") return refused({ reason: "UNKNOWN_CAMPAIGN" });
          stale++;
          break;
        }
        case "held-back":
          metrics.heldBack.inc();
          return refused({ reason: "OVERLOADED" });
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
          const outcome = await restore(campaignId);
          if (outcome === "not-ready") return refused({ reason: "NOT_READY" });
          if (outcome === "called-off") return refused({ reason: "CANCELLED" });
          if (outcome === "gone") return refused({ reason: "UNKNOWN_CAMPAIGN" });
          // Not by us: somebody else is at it, or was, or will have to try again.
          if (outcome !== "loaded" && outcome !== "turned") {
            await new Promise<void>((resolve) => void clock.after(REBUILD_POLL_MS, resolve));
          }
          break;
        }
        default:
          return answer satisfies never;
      }
    }
    return refused({ reason: "UNCERTAIN" });
  }

  /** What need not be asked; a caller that has gone hears nothing anyway. */
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
      if (error instanceof DeadlineExceeded) late = true;
      // What failed has been logged with its cause where it failed; all the caller can know is that it is uncertain.
      return refused({ reason: "UNCERTAIN" });
    }
  }

  return {
    issue: (ask) => recall(ask) ?? claimWithin(ask),

    async finish(claim) {
      await laneOf(claim.campaignId).commits.push(claim);
    },

    sizes() {
      const all = [...lanes.values()];
      const sum = (queue: keyof Lane) => all.reduce((total, lane) => total + lane[queue].size(), 0);
      return { claims: sum("claims"), commits: sum("commits"), settles: sum("settles") };
    },

    holdsBack: breaker.isOpen,

    async idle() {
      // In the order of the flow: what a queue holds ends up in the next one.
      for (const lane of lanes.values()) {
        await lane.claims.idle();
        await lane.commits.idle();
        await lane.settles.idle();
      }
    },
  };
}

function refused(refusal: Refusal): Issue {
  return { kind: "refused", refusal };
}

function refusalOf(state: PoolState): Refusal {
  switch (state) {
    case "paused":
      return { reason: "PAUSED" };
    case "ended":
      return { reason: "ENDED" };
    case "cancelled":
      return { reason: "CANCELLED" };
    case "staged":
    case "open":
      // The script answers these with a coupon, sold or early.
      return { reason: "UNCERTAIN" };
    default:
      return state satisfies never;
  }
}
