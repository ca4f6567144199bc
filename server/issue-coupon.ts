import { randomUUID } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Caller, Claimer, Issue } from "./claims/claimer.ts";
import type { Directory } from "./directory.ts";
import type { Refusal } from "./refusal.ts";
import type { Tally } from "./tally.ts";
import { type Valid, validCampaignId, validKey } from "./validate.ts";

/** What IssueCoupon is asked with; empty: not given. */
export type IssueRequest = {
  readonly campaignId: string;
  readonly userId: string;
  readonly requestId: string;
};

/** Rejects only for trouble that is not a claim's: a store that could not be asked about the campaign, or a bug. */
export type IssueCoupon = (request: IssueRequest, caller: Caller) => Promise<Issue>;

export type IssueCouponDeps = {
  claimer: Claimer;
  directory: Directory;
  clock: Clock;
  metrics: Metrics;
  tally: Tally;
  /** For all of it, the look-up of the campaign and the claim. */
  issueDeadlineMs: number;
};

/** The one handler behind both doors, the framework's and the hot lane. Counts each answer by its outcome. */
export function createIssueCoupon(deps: IssueCouponDeps): IssueCoupon {
  const { claimer, directory, clock, metrics, tally, issueDeadlineMs } = deps;

  async function issue({ campaignId, userId, requestId }: IssueRequest, caller: Caller): Promise<Issue> {
    const id = validCampaignId(campaignId);
    if (!id.ok) return refused(id.refusal);
    const known = directory.peek(campaignId);
    const startedAtMs = clock.elapsed();
    const facts =
      known ??
      (await withDeadline(directory.find(campaignId), issueDeadlineMs, "looking up the campaign", clock));
    if (facts === null) return refused({ reason: "UNKNOWN_CAMPAIGN" });
    const keys = validClaimKey(facts.onePerUser, userId, requestId);
    if (!keys.ok) return refused(keys.refusal);
    const spentMs = clock.elapsed() - startedAtMs;
    return claimer.issue({ campaignId, facts, ...keys.value, caller, spentMs });
  }

  return async (request, caller) => {
    const askedAtMs = clock.elapsed();
    const answer = await issue(request, caller);
    const outcome = outcomeOf(answer);
    metrics.claims.inc({ outcome });
    tally.count(request.campaignId, outcome, clock.elapsed() - askedAtMs);
    return answer;
  };
}

function refused(refusal: Refusal): Issue {
  return { kind: "refused", refusal };
}

function outcomeOf(issue: Issue): string {
  if (issue.kind === "refused") return issue.refusal.reason.toLowerCase();
  return issue.replayed ? "replayed" : "issued";
}

/** The key that a claim is bound to: the user where each gets one coupon, else the request, made up where none is given. */
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
