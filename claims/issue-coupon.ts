import { randomUUID } from "node:crypto";
import type { Admitted } from "../access/authorize.ts";
import type { ClaimAuth } from "../access/claim-auth.ts";
import { stricter } from "../access/claim-auth-mode.ts";
import type { OverLimit } from "../access/limits.ts";
import { claimKeyOf } from "../campaign/claim-key.ts";
import { STORE_AWAY } from "../campaign/refusal.ts";
import { type Valid, validCampaignId, validKey } from "../campaign/valid.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { QueueFull } from "./batch-queue.ts";
import { CircuitOpen } from "./breaker.ts";
import type { CampaignCache, KnownCampaign } from "./campaign-cache.ts";
import { type ClaimGuard, createOpenGuard } from "./claim-guard.ts";
import type { Claimer } from "./claimer.ts";
import { type Issue, type RemoteCaller, refused } from "./issue.ts";
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
  claimer: Pick<Claimer, "issue">;
  /** undefined: every request of an admitted caller claims. */
  guard?: ClaimGuard;
  campaignCache: CampaignCache;
  claimAuth: ClaimAuth;
  clock: Clock;
  metrics: Metrics;
  tally: Tally;
  /** For the look-up of the campaign and the claim together, in ms. */
  issueDeadlineMs: number;
};

/**
 * A request of an admitted caller. `askedAtMs`: since when it has waited; undefined: it has not. `over`: the
 * limit that its caller is over.
 */
type Counted = {
  readonly request: IssueRequest;
  readonly caller: RemoteCaller;
  readonly askedAtMs: number | undefined;
  readonly over: OverLimit | undefined;
};

/** The one handler behind the framework and the fast path. Counts each answer by its outcome. */
export function createIssueCoupon(deps: IssueCouponDeps): IssueCoupon {
  const { campaignCache, claimAuth, clock, metrics, tally, issueDeadlineMs } = deps;
  const guard = deps.guard ?? createOpenGuard(deps.claimer);

  function claim(facts: KnownCampaign, admitted: Admitted, counted: Counted): Issue | Promise<Issue> {
    const { request, caller, askedAtMs, over } = counted;
    const keys = validClaimKey(facts.onePerUser, admitted, request.requestId);
    if (!keys.ok) return refused(keys.refusal);
    const spentMs = askedAtMs === undefined ? 0 : clock.elapsed() - askedAtMs;
    const { campaignId } = request;
    return guard.issue({ campaignId, facts, ...keys.value, caller, spentMs }, caller, over);
  }

  async function lookUpAndClaim(admitted: Admitted, counted: Counted): Promise<Issue> {
    const { request, caller } = counted;
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
    if (demanded === claimAuth.mode) return claim(facts, admitted, counted);
    const again = await claimAuth.admit(demanded, caller.authorization, request);
    return again.ok ? claim(facts, again.value, counted) : refused(again.refusal);
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

  /** The caller is admitted, and its request counted, before any store is asked. */
  function issue(request: IssueRequest, caller: RemoteCaller): Issue | Promise<Issue> {
    const facts = campaignCache.peek(request.campaignId);
    const demanded = facts === undefined ? claimAuth.mode : stricter(claimAuth.mode, facts.claimAuth);
    const admission = claimAuth.admit(demanded, caller.authorization, request);
    if (!(admission instanceof Promise)) return count(facts, admission, request, caller, undefined);
    const askedAtMs = clock.elapsed();
    return admission.then((known) => count(facts, known, request, caller, askedAtMs));
  }

  function count(
    facts: KnownCampaign | undefined,
    admission: Valid<Admitted>,
    request: IssueRequest,
    caller: RemoteCaller,
    askedAtMs: number | undefined,
  ): Issue | Promise<Issue> {
    if (!admission.ok) return refused(admission.refusal);
    const admitted = admission.value;
    const over = guard.count(admitted, caller);
    if (!(over instanceof Promise))
      return issueCounted(facts, admitted, { request, caller, askedAtMs, over });
    const sinceMs = askedAtMs ?? clock.elapsed();
    return over.then((known) =>
      issueCounted(facts, admitted, { request, caller, askedAtMs: sinceMs, over: known }),
    );
  }

  function issueCounted(
    facts: KnownCampaign | undefined,
    admitted: Admitted,
    counted: Counted,
  ): Issue | Promise<Issue> {
    if (facts !== undefined) return claim(facts, admitted, counted);
    const id = validCampaignId(counted.request.campaignId);
    if (!id.ok) return refused(id.refusal);
    const { over } = counted;
    // A campaign that this server does not know yet: over a limit, MongoDB is not asked about it.
    if (over !== undefined) return guard.refuse(over);
    return lookUpAndClaim(admitted, { ...counted, askedAtMs: counted.askedAtMs ?? clock.elapsed() });
  }

  function noted({ campaignId }: IssueRequest, askedAtMs: number, answer: Issue): Issue {
    const outcome = outcomeOf(answer);
    metrics.claims.count(outcome);
    tally.count(campaignId, outcome, clock.elapsed() - askedAtMs);
    return answer;
  }

  return (given, caller) => {
    const askedAtMs = clock.elapsed();
    const request = asRecorded(given);
    const answer = issue(request, caller);
    if (!(answer instanceof Promise)) return noted(request, askedAtMs, answer);
    return answer.then((told) => noted(request, askedAtMs, told));
  };
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
