import { randomUUID } from "node:crypto";
import type { Admitted } from "../access/authorize.ts";
import type { ClaimAuth } from "../access/claim-auth.ts";
import { stricter } from "../access/claim-auth-mode.ts";
import type { OverLimit } from "../access/limits.ts";
import { claimKeyOf } from "../campaign/claim-key.ts";
import { NEWER_CAMPAIGN, STORE_AWAY } from "../campaign/refusal.ts";
import { type Valid, validCampaignId, validKey } from "../campaign/valid.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { NewerShape } from "../runtime/stored-shape.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { QueueFull } from "./batch-queue.ts";
import { CircuitOpen } from "./breaker.ts";
import type { CampaignCache, CampaignFacts, KnownCampaign } from "./campaign-cache.ts";
import { type ClaimGuard, createOpenGuard } from "./claim-guard.ts";
import type { Claimer } from "./claimer.ts";
import { type Issue, type RemoteCaller, refused } from "./issue.ts";
import type { RefusedCredentials } from "./refused-credentials.ts";
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
  metrics: Pick<Metrics, "claims">;
  tally: Tally;
  /** undefined: attempts are not kept. */
  attempts?: Pick<AttemptLog, "note"> | undefined;
  refusedCredentials: Pick<RefusedCredentials, "note" | "noteOverLimit">;
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
  const { campaignCache, claimAuth, clock, metrics, tally, refusedCredentials, issueDeadlineMs } = deps;
  const { attempts } = deps;
  const guard = deps.guard ?? createOpenGuard(deps.claimer);

  function claim(facts: KnownCampaign, admitted: Admitted, counted: Counted): Issue | Promise<Issue> {
    const { request, caller, askedAtMs, over } = counted;
    const keys = validClaimKey(facts, admitted, request.requestId);
    if (!keys.ok) return refused(keys.refusal);
    const spentMs = askedAtMs === undefined ? 0 : clock.elapsed() - askedAtMs;
    const { campaignId } = request;
    return guard.issue({ campaignId, facts, ...keys.value, caller, spentMs }, caller, over);
  }

  /**
   * Over a limit, the campaign is looked up as well, for a holder's coupon, but within bounds; where it
   * cannot be told, and where there is none, the answer is that of the limit.
   */
  async function lookUpAndClaim(admitted: Admitted, counted: Counted): Promise<Issue> {
    const { request, caller, over } = counted;
    const looking = campaignCache.find(
      request.campaignId,
      over === undefined ? undefined : (look) => guard.lookUp(over, look),
    );
    let facts: KnownCampaign | null;
    try {
      facts = await withDeadline(looking, issueDeadlineMs, "looking up the campaign", clock);
    } catch (error) {
      if (over !== undefined) return guard.refuse(over);
      if (error instanceof CircuitOpen) return refused(STORE_AWAY);
      if (error instanceof QueueFull) return refused({ reason: "OVERLOADED" });
      if (error instanceof NewerShape) return refused(NEWER_CAMPAIGN);
      throw error;
    }
    if (facts === null)
      return over === undefined ? refused({ reason: "UNKNOWN_CAMPAIGN" }) : guard.refuse(over);
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
    const answer = issueAdmitted(facts, admitted, counted);
    if (attempts === undefined) return answer;
    const { campaignId, requestId } = counted.request;
    const askedAtMs = counted.askedAtMs ?? clock.elapsed();
    const { userId } = admitted;
    const note = (told: Issue): Issue => {
      const tookMs = clock.elapsed() - askedAtMs;
      // Callers may send any text as the id: each campaign has a ring of its own.
      if (campaignCache.peek(campaignId) !== undefined)
        attempts.note({ campaignId, userId, requestId, tookMs }, told);
      return told;
    };
    return answer instanceof Promise ? answer.then(note) : note(answer);
  }

  function issueAdmitted(
    facts: KnownCampaign | undefined,
    admitted: Admitted,
    counted: Counted,
  ): Issue | Promise<Issue> {
    const { over, caller } = counted;
    // A backend's key claims for many users, of whom one may be over its limit.
    if (over !== undefined && admitted.keyName === "") refusedCredentials.noteOverLimit(caller.address);
    if (facts !== undefined) return claim(facts, admitted, counted);
    const id = validCampaignId(counted.request.campaignId);
    if (!id.ok) return refused(id.refusal);
    return lookUpAndClaim(admitted, { ...counted, askedAtMs: counted.askedAtMs ?? clock.elapsed() });
  }

  function noted({ campaignId }: IssueRequest, caller: RemoteCaller, askedAtMs: number, answer: Issue) {
    if (answer.kind === "refused") refusedCredentials.note(answer.refusal, caller.address);
    const outcome = outcomeOf(answer);
    if (caller.span !== undefined) {
      // Callers may send any text as the id.
      const isOne = campaignCache.peek(campaignId) !== undefined;
      caller.span.note({ outcome, ...(isOne ? { campaign: campaignId } : {}) });
    }
    metrics.claims.count(outcome);
    tally.count(campaignId, outcome, clock.elapsed() - askedAtMs);
    return answer;
  }

  return (given, caller) => {
    const askedAtMs = clock.elapsed();
    const request = asRecorded(given);
    const answer = issue(request, caller);
    if (!(answer instanceof Promise)) return noted(request, caller, askedAtMs, answer);
    return answer.then((told) => noted(request, caller, askedAtMs, told));
  };
}

function outcomeOf(issue: Issue): string {
  if (issue.kind === "refused") return issue.refusal.reason.toLowerCase();
  return issue.replayed ? "replayed" : "issued";
}

/**
 * The key that a claim is bound to: the user id where each user gets one coupon, user and request id where
 * each gets several up to a number, else the request id, a random one where the caller gave none; a request
 * of a user who is proven is that user's alone.
 */
function validClaimKey(
  { onePerUser, maxPerUser }: CampaignFacts,
  { userId, isProven }: Admitted,
  requestId: string,
): Valid<{ claimKey: string; userId: string }> {
  const isCounted = maxPerUser > 1;
  if (onePerUser || isCounted || userId !== "") {
    const user = validKey("user_id", userId);
    if (!user.ok) return user;
  }
  // Without one, the service could not tell a repeated request from the user's next one.
  if (isCounted || requestId !== "") {
    const request = validKey("request_id", requestId);
    if (!request.ok) return request;
  }
  if (onePerUser) return { ok: true, value: { claimKey: userId, userId: "" } };
  const id = requestId === "" ? randomUUID() : requestId;
  return { ok: true, value: { claimKey: isProven || isCounted ? claimKeyOf(userId, id) : id, userId } };
}
