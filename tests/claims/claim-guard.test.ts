import { expect } from "chai";
import { createClaimGuard } from "../../claims/claim-guard.ts";
import { type IssueAsk, type RemoteCaller, refused } from "../../claims/issue.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { fakeClock } from "../support/fake-clock.ts";

const CALLER: RemoteCaller = { aborted: false, authorization: undefined, address: "", challenge: "x" };
const ASK: IssueAsk = {
  campaignId: "a",
  claimKey: "b",
  userId: "b",
  caller: CALLER,
  facts: { onePerUser: true, maxPerUser: 1, leastGeneration: 0 },
};

describe("what stands between a request and its claim", () => {
  it("counts the look-ups of those whom the hook denies by the addresses that one host can use at will", async () => {
    const subjects: string[] = [];
    const guard = createClaimGuard({
      claimer: { issue: () => refused({ reason: "SOLD_OUT" }), remembered: () => undefined },
      limits: undefined,
      hook: async () => ({ reason: "PERMISSION_DENIED", why: "no person" }),
      recall: {
        find(_campaignId, _claimKey, subject) {
          subjects.push(subject);
          return undefined;
        },
        lookUp: (_subject, look) => look(),
        note: () => undefined,
        repeated: () => undefined,
      },
      clock: fakeClock(),
      metrics: createMetrics(),
    });
    for (const address of ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1", "192.0.2.7"])
      await guard.issue(ASK, { ...CALLER, address }, undefined);
    expect(subjects).to.deep.equal([
      "hook 2001:db8:0:0::/64",
      "hook 2001:db8:0:0::/64",
      "hook 2001:db8:0:1::/64",
      "hook 192.0.2.7",
    ]);
  });
});
