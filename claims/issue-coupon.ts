import { randomUUID } from "node:crypto";
import type { Admitted } from "../access/authorize.ts";
import type { ClaimAuth } from "../access/claim-auth.ts";
import { stricter } from "../access/claim-auth-mode.ts";
import { claimKeyOf } from "../campaign/claim-key.ts";
import { type Refusal, STORE_AWAY } from "../campaign/refusal.ts";
import { type Valid, validCampaignId, validKey } from "../campaign/valid.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { QueueFull } from "./batch-queue.ts";
import { CircuitOpen } from "./breaker.ts";
import type { CampaignCache, KnownCampaign } from "./campaign-cache.ts";
import type { Claimer } from "./claimer.ts";
import type { Issue, RemoteCaller } from "./issue.ts";
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
  claimAuth: ClaimAuth;
  clock: Clock;
  metrics: Metrics;
  tally: Tally;
  /** For the look-up of the campaign and the claim together, in ms. */
  issueDeadlineMs: number;
};

/** A request that may have to wait. `askedAtMs`: since when; undefined: it has not waited. */
type Waiting = { readonly caller: RemoteCaller; readonly askedAtMs: number | undefined };

/** The one handler behind the framework and the fast path. Counts each answer by its outcome. */
export function createIssueCoupon(deps: IssueCouponDeps): IssueCoupon {
  const { claimer, campaignCache, claimAuth, clock, metrics, tally, issueDeadlineMs } = deps;

  function claim(facts: KnownCampaign, request: IssueRequest, admitted: Admitted, from: Waiting) {
    const keys = validClaimKey(facts.onePerUser, admitted, request.requestId);
    if (!keys.ok) return refused(keys.refusal);
    const spentMs = from.askedAtMs === undefined ? 0 : clock.elapsed() - from.askedAtMs;
    return claimer.issue({
      campaignId: request.campaignId,
      facts,
      ...keys.value,
      caller: from.caller,
      spentMs,
    });
  }

  async function lookUpAndClaim(request: IssueRequest, admitted: Admitted, from: Waiting): Promise<Issue> {
    const looking = campaignCache.find(request.campaignId);
    let facts: KnownCampaign | null;
    try {
      facts = await withDeadline(looking, issueDeadlineMs, "looking up the campaign", clock);
    } catch (error) {
      if (error instanceof CircuitOpen) return refused(STORE_AWAY);
      if (error instanceof QueueFull) return refused({ reason: "OVERLOADED" });
      throw error;
    }
    if (facts === null) return refused({ reason: "UNKNOWN_CAMPAIGN" });
    const demanded = stricter(claimAuth.mode, facts.claimAuth);
    if (demanded === claimAuth.mode) return claim(facts, request, admitted, from);
    const again = await claimAuth.admit(demanded, from.caller.authorization, request);
    return again.ok ? claim(facts, request, again.value, from) : refused(again.refusal);
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

  /** The caller is admitted before any store is asked. */
  function issue(request: IssueRequest, caller: RemoteCaller): Issue | Promise<Issue> {
    const facts = campaignCache.peek(request.campaignId);
    const demanded = facts === undefined ? claimAuth.mode : stricter(claimAuth.mode, facts.claimAuth);
    const admission = claimAuth.admit(demanded, caller.authorization, request);
    if (facts !== undefined && !(admission instanceof Promise))
      return issueAdmitted(facts, request, admission, { caller, askedAtMs: undefined });
    const from = { caller, askedAtMs: clock.elapsed() };
    return admission instanceof Promise
      ? admission.then((known) => issueAdmitted(facts, request, known, from))
      : issueAdmitted(facts, request, admission, from);
  }

  function issueAdmitted(
    facts: KnownCampaign | undefined,
    request: IssueRequest,
    admission: Valid<Admitted>,
    from: Waiting,
  ): Issue | Promise<Issue> {
    if (!admission.ok) return refused(admission.refusal);
    if (facts !== undefined) return claim(facts, request, admission.value, from);
    const id = validCampaignId(request.campaignId);
    return id.ok ? lookUpAndClaim(request, admission.value, from) : refused(id.refusal);
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
 * random one where the caller gave none; a request of a user who is proven is that user's alone.
 */
function validClaimKey(
  onePerUser: boolean,
  { userId, isProven }: Admitted,
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
  const id = requestId === "" ? randomUUID() : requestId;
  return { ok: true, value: { claimKey: isProven ? claimKeyOf(userId, id) : id, userId } };
}
