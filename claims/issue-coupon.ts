import { randomUUID } from "node:crypto";
import { type Refusal, STORE_AWAY } from "../campaign/refusal.ts";
import { type Valid, validCampaignId, validKey } from "../campaign/valid.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { QueueFull } from "./batch-queue.ts";
import { CircuitOpen } from "./breaker.ts";
import type { CampaignCache, CampaignFacts } from "./campaign-cache.ts";
import type { Claimer } from "./claimer.ts";
import type { Caller, Issue, RemoteCaller } from "./issue.ts";
import type { Tally } from "./tally.ts";

/** The fields of an IssueCoupon request; empty: not given. */
export type IssueRequest = {
  readonly campaignId: string;
  readonly userId: string;
  readonly requestId: string;
};

/**
 * Returns at once, without a promise, where no store must be asked. Throws or rejects only if MongoDB could
 * not be asked about the campaign, or for a bug; a failed claim is a refusal.
 */
export type IssueCoupon = (request: IssueRequest, caller: RemoteCaller) => Issue | Promise<Issue>;

export type IssueCouponDeps = {
  claimer: Claimer;
  campaignCache: CampaignCache;
  clock: Clock;
  metrics: Metrics;
  tally: Tally;
  /** For the look-up of the campaign and the claim together, in ms. */
  issueDeadlineMs: number;
};

/** The one handler behind the framework and the fast path. Counts each answer by its outcome. */
export function createIssueCoupon(deps: IssueCouponDeps): IssueCoupon {
  const { claimer, campaignCache, clock, metrics, tally, issueDeadlineMs } = deps;

  function claim(facts: CampaignFacts, request: IssueRequest, caller: Caller, spentMs: number) {
    const keys = validClaimKey(facts.onePerUser, request.userId, request.requestId);
    if (!keys.ok) return refused(keys.refusal);
    return claimer.issue({ campaignId: request.campaignId, facts, ...keys.value, caller, spentMs });
  }

  async function lookUpAndClaim(request: IssueRequest, caller: Caller): Promise<Issue> {
    const startedAtMs = clock.elapsed();
    const looking = campaignCache.find(request.campaignId);
    let facts: CampaignFacts | null;
    try {
      facts = await withDeadline(looking, issueDeadlineMs, "looking up the campaign", clock);
    } catch (error) {
      if (error instanceof CircuitOpen) return refused(STORE_AWAY);
      if (error instanceof QueueFull) return refused({ reason: "OVERLOADED" });
      throw error;
    }
    if (facts === null) return refused({ reason: "UNKNOWN_CAMPAIGN" });
    return claim(facts, request, caller, clock.elapsed() - startedAtMs);
  }

  /**
   * Replaces the campaign id by its recorded form. The id of a cached campaign has it already, so a sale pays
   * nothing for this.
   */
  function asRecorded(request: IssueRequest): IssueRequest {
    if (campaignCache.peek(request.campaignId) !== undefined) return request;
    const id = validCampaignId(request.campaignId);
    return id.ok && id.value !== request.campaignId ? { ...request, campaignId: id.value } : request;
  }

  function issue(request: IssueRequest, caller: Caller): Issue | Promise<Issue> {
    const facts = campaignCache.peek(request.campaignId);
    if (facts !== undefined) return claim(facts, request, caller, 0);
    const id = validCampaignId(request.campaignId);
    return id.ok ? lookUpAndClaim(request, caller) : refused(id.refusal);
  }

  function counted({ campaignId }: IssueRequest, askedAtMs: number, answer: Issue): Issue {
    const outcome = outcomeOf(answer);
    metrics.claims.inc({ outcome });
    tally.count(campaignId, outcome, clock.elapsed() - askedAtMs);
    return answer;
  }

  return (given, caller) => {
    const askedAtMs = clock.elapsed();
    const request = asRecorded(given);
    const answer = issue(request, caller);
    if (!(answer instanceof Promise)) return counted(request, askedAtMs, answer);
    return answer.then((told) => counted(request, askedAtMs, told));
  };
}

function refused(refusal: Refusal): Issue {
  return { kind: "refused", refusal };
}

function outcomeOf(issue: Issue): string {
  if (issue.kind === "refused") return issue.refusal.reason.toLowerCase();
  return issue.replayed ? "replayed" : "issued";
}

/**
 * The key that a claim is bound to: the user id where each user gets one coupon, else the request id, a
 * random one where the caller gave none.
 */
function validClaimKey(
  onePerUser: boolean,
  userId: string,
  requestId: string,
): Valid<{ claimKey: string; userId: string }> {
  if (onePerUser || userId !== "") {
    const user = validKey("user_id", userId);
    if (!user.ok) return user;
  }
  if (requestId !== "") {
    const request = validKey("request_id", requestId);
    if (!request.ok) return request;
  }
  if (onePerUser) return { ok: true, value: { claimKey: userId, userId: "" } };
  return { ok: true, value: { claimKey: requestId === "" ? randomUUID() : requestId, userId } };
}
