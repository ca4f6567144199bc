import { expect } from "chai";
import { campaignClaimAuth } from "../../access/campaign-claim-auth.ts";
import type { ClaimAuthMode } from "../../access/claim-auth-mode.ts";

const deployment = (mode: ClaimAuthMode, acceptsKeys = true, acceptsTokens = true) => ({
  ...{ mode, acceptsKeys, acceptsTokens },
});

describe("the claim_auth of a new campaign", () => {
  const modes = ["open", "key", "token"] as const;
  for (const [strictness, mode] of modes.entries()) {
    it(`is as strict as the deployment's ${mode}, or stricter`, () => {
      expect(campaignClaimAuth(deployment(mode), undefined)).to.deep.equal({ ok: true, value: mode });
      for (const [asked, wanted] of modes.entries()) {
        const answer = campaignClaimAuth(deployment(mode), wanted);
        expect(answer.ok, wanted).to.equal(asked >= strictness);
        if (answer.ok) expect(answer.value).to.equal(wanted);
      }
    });
  }

  it("is refused where the deployment cannot verify such a credential", () => {
    const why = (asked: ClaimAuthMode, keys: boolean, tokens: boolean) => {
      const answer = campaignClaimAuth(deployment("open", keys, tokens), asked);
      return answer.ok || answer.refusal.reason !== "INVALID" ? "" : answer.refusal.allowed;
    };
    expect(why("token", true, false)).to.match(/CLAIM_TOKEN_SECRET or CLAIM_TOKEN_JWKS/);
    expect(why("key", false, false)).to.match(/CLAIM_KEYS/);
    expect([why("key", false, true), why("key", true, false), why("open", false, false)]).to.deep.equal([
      "",
      "",
      "",
    ]);
  });
});
