import type { IssueCoupon } from "./issue-coupon.ts";

/** Whether any claim waits for a store, so that other work lets it go first. */
export type ClaimsUnderWay = {
  /** The same handler, whose claims count. */
  noting(issueCoupon: IssueCoupon): IssueCoupon;
  claimsUnderWay(): boolean;
};

export function createClaimsUnderWay(): ClaimsUnderWay {
  let underWay = 0;
  const end = () => {
    underWay -= 1;
  };
  return {
    noting: (issueCoupon) => (request, caller) => {
      const answer = issueCoupon(request, caller);
      if (answer instanceof Promise) {
        underWay += 1;
        answer.then(end, end);
      }
      return answer;
    },
    claimsUnderWay: () => underWay > 0,
  };
}
