import type { Admitted } from "../access/authorize.ts";
import { type Limits, type OverLimit, rateLimited } from "../access/limits.ts";
import type { Claim } from "../pool/answers.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { sourceGroupOf } from "../runtime/source-group.ts";
import type { ClaimHook } from "./claim-hook.ts";
import type { Claimer } from "./claimer.ts";
import { type Issue, type IssueAsk, type RemoteCaller, refused } from "./issue.ts";
import type { Recall } from "./recall.ts";

/** What stands between an admitted request and its claim. It never keeps a coupon back that was issued. */
export type ClaimGuard = {
  /** Counts the request of a caller. undefined: it is within all limits. */
  count(admitted: Admitted, caller: RemoteCaller): OverLimit | undefined | Promise<OverLimit | undefined>;
  /** The refusal of a caller who is over a limit. */
  refuse(over: OverLimit): Issue;
  /** A look-up of the campaign for a caller who is over a limit: within bounds, or it rejects. */
  lookUp<T>(over: OverLimit, look: () => Promise<T>): Promise<T>;
  /**
   * Claims; for a caller who is `over` a limit, or whom the hook does not let through, only finds the coupon
   * that its key has.
   */
  issue(ask: IssueAsk, caller: RemoteCaller, over: OverLimit | undefined): Issue | Promise<Issue>;
};

export type ClaimGuardDeps = {
  claimer: Pick<Claimer, "issue" | "remembered">;
  /** undefined: requests are not limited. */
  limits: Limits | undefined;
  /** undefined: nobody is asked whether a caller is a person. */
  hook?: ClaimHook | undefined;
  recall: Recall;
  clock: Pick<Clock, "elapsed">;
  metrics: Pick<Metrics, "overLimit">;
};

/** Lets every request claim. */
export function createOpenGuard(claimer: Pick<Claimer, "issue">): ClaimGuard {
  return {
    count: () => undefined,
    refuse: limited,
    lookUp: (_over, look) => look(),
    issue: (ask) => claimer.issue(ask),
  };
}

function subjectOf({ by, subject }: OverLimit): string {
  return `${by} ${subject}`;
}

function limited(over: OverLimit): Issue {
  return refused(rateLimited(over));
}

export function createClaimGuard({
  claimer,
  limits,
  hook,
  recall,
  clock,
  metrics,
}: ClaimGuardDeps): ClaimGuard {
  /** The coupon of the key, if it has one, else the refusal. */
  function couponOr(refusal: Issue, { campaignId, claimKey }: IssueAsk, subject: string) {
    const tell = (coupon: Claim | undefined): Issue =>
      coupon === undefined ? refusal : { kind: "issued", coupon, replayed: true };
    const found = recall.find(campaignId, claimKey, subject);
    return found instanceof Promise ? found.then(tell) : tell(found);
  }

  function counted(over: OverLimit | undefined): OverLimit | undefined {
    if (over !== undefined) metrics.overLimit.inc({ by: over.by });
    return over;
  }

  function noted(issue: Issue): Issue {
    if (issue.kind === "issued") recall.note(issue.coupon, issue.replayed);
    return issue;
  }

  function claim(ask: IssueAsk): Issue | Promise<Issue> {
    const issue = claimer.issue(ask);
    return issue instanceof Promise ? issue.then(noted) : noted(issue);
  }

  /** The hook is asked neither about an answer that is known nor about a coupon that is issued already. */
  async function checkAndClaim(ask: IssueAsk, caller: RemoteCaller, asked: ClaimHook): Promise<Issue> {
    const { campaignId, claimKey, facts, userId } = ask;
    const known = claimer.remembered(campaignId, claimKey);
    if (known !== undefined) return known;
    const startedAtMs = clock.elapsed();
    const refusal = await asked({
      campaign_id: campaignId,
      user_id: facts.onePerUser ? claimKey : userId,
      address: caller.address,
      token: caller.challenge ?? "",
    });
    if (refusal !== undefined)
      return couponOr(refused(refusal), ask, `hook ${sourceGroupOf(caller.address)}`);
    const spentMs = (ask.spentMs ?? 0) + clock.elapsed() - startedAtMs;
    return claim({ ...ask, spentMs });
  }

  return {
    count({ userId, keyName }, { address }) {
      const over = limits?.count({ userId, keyName, address });
      return over instanceof Promise ? over.then(counted) : counted(over);
    },

    refuse: limited,
    lookUp: (over, look) => recall.lookUp(subjectOf(over), look),

    issue(ask, caller, over) {
      if (over !== undefined) return couponOr(limited(over), ask, subjectOf(over));
      return hook === undefined ? claim(ask) : checkAndClaim(ask, caller, hook);
    },
  };
}
