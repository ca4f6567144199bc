import type { Admitted } from "../access/authorize.ts";
import { type Limits, type OverLimit, rateLimited } from "../access/limits.ts";
import type { Claim } from "../pool/answers.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Claimer } from "./claimer.ts";
import { type Issue, type IssueAsk, type RemoteCaller, refused } from "./issue.ts";
import type { Recall } from "./recall.ts";

/** What stands between an admitted request and its claim. It never keeps a coupon back that was issued. */
export type ClaimGuard = {
  /** Counts the request of a caller. undefined: it is within all limits. */
  count(admitted: Admitted, caller: RemoteCaller): OverLimit | undefined | Promise<OverLimit | undefined>;
  /** The refusal of a caller who is over a limit. */
  refuse(over: OverLimit): Issue;
  /** Claims; for a caller who is `over` a limit, only finds the coupon that its key has. */
  issue(ask: IssueAsk, over: OverLimit | undefined): Issue | Promise<Issue>;
};

export type ClaimGuardDeps = {
  claimer: Pick<Claimer, "issue">;
  /** undefined: requests are not limited. */
  limits: Limits | undefined;
  recall: Recall;
  metrics: Pick<Metrics, "overLimit">;
};

/** Lets every request claim. */
export function createOpenGuard(claimer: Pick<Claimer, "issue">): ClaimGuard {
  return { count: () => undefined, refuse: limited, issue: (ask) => claimer.issue(ask) };
}

function limited(over: OverLimit): Issue {
  return refused(rateLimited(over));
}

export function createClaimGuard({ claimer, limits, recall, metrics }: ClaimGuardDeps): ClaimGuard {
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
    if (issue.kind === "issued") recall.note(issue.coupon);
    return issue;
  }

  return {
    count({ userId, keyName }, { address }) {
      const over = limits?.count({ userId, keyName, address });
      return over instanceof Promise ? over.then(counted) : counted(over);
    },

    refuse: limited,

    issue(ask, over) {
      if (over !== undefined) return couponOr(limited(over), ask, `${over.by} ${over.subject}`);
      const issue = claimer.issue(ask);
      return issue instanceof Promise ? issue.then(noted) : noted(issue);
    },
  };
}
