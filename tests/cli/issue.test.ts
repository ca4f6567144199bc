import { expect } from "chai";
import { byRequest, withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { campaignId } from "../support/stand-in.ts";

describe("cli issue", () => {
  const { coupons, issued } = withRecordedCalls();

  it("sends user and request id, and makes a request id where none is given", async () => {
    const { code, stdout } = await coupons("issue", campaignId, "--user", "alice", "--request-id", "R7");
    expect(code).to.equal(0);
    expect(stdout.split("\n")[0]).to.equal("가나다라마바0007");
    expect(issued[0]).to.include({ userId: "alice", requestId: "R7" });
    await coupons("issue", campaignId);
    expect(issued[1]?.userId).to.equal("");
    expect(issued[1]?.requestId).to.match(/^[0-9a-f-]{36}$/);
  });

  it("says which key is the claim's own, and warns where the user is not", async () => {
    const shown = async (...args: string[]) => {
      const { stdout, stderr, code } = await coupons("issue", ...args);
      expect(code).to.equal(0);
      return { key: /request id +\S+ {2}\((.*)\)\n/.exec(stdout)?.[1], stderr };
    };
    const user = await shown(campaignId, "--user", "alice");
    expect(user).to.deep.equal({
      key: "not kept: the key here is the user, who gets this coupon again",
      stderr: "",
    });
    const nobody = await shown(campaignId, "--user", "nobody");
    expect(nobody.key).to.include("the key here is the user");
    const alone = await shown(byRequest, "--user", "alice");
    expect(alone.key).to.equal("the key: it gets this coupon again");
    expect(alone.stderr).to.equal(
      `coupon: the key is the request id, and not the user alone: another run with --user alone asks for another coupon; --request-id ${issued[2]?.requestId} gets this one again\n`,
    );
    const both = await shown(byRequest, "--user", "alice", "--request-id", "R8");
    expect(both).to.deep.equal({ key: "the key: it gets this coupon again", stderr: "" });
    const unknown = await shown(campaignId, "--user", "broken");
    expect(unknown).to.deep.equal({
      key: "the key, unless the campaign is one-per-user: then it is the user",
      stderr: "",
    });
  });

  it("asks again with the same key where it is uncertain", async () => {
    const { code, stderr } = await coupons("issue", campaignId, "--user", "unsure");
    expect(code).to.equal(0);
    expect(issued).to.have.length(2);
    expect(issued[0]?.requestId).to.equal(issued[1]?.requestId);
    expect(stderr).to.match(/uncertain whether it happened, asking again with the same key/);
  });

  it("says --user where the campaign gives one coupon per user and none is given", async () => {
    const { code, stderr } = await coupons("issue", campaignId, "--request-id", "one-per-user");
    expect(code).to.equal(2);
    expect(stderr).to.equal(
      "coupon: this campaign counts the coupons of each user, and no user is given; give --user and who claims\n",
    );
  });

  it("--dry-run claims nothing", async () => {
    const { code, stdout } = await coupons("issue", campaignId, "--user", "alice", "--dry-run");
    expect(code).to.equal(0);
    expect(stdout)
      .to.include("coupon.v1.CouponService/IssueCoupon")
      .and.match(/userId +alice/);
    expect(issued).to.have.length(0);
  });

  it("--json has coupon, replayed and the request id", async () => {
    const { stdout } = await coupons("issue", campaignId, "--user", "again", "--json");
    const [shown] = readJsonLines(stdout);
    expect(shown).to.have.nested.property("coupon.code", "가나다라마바0007");
    expect(shown).to.have.property("replayed", true);
    expect(shown).to.have.property("requestId", issued[0]?.requestId);
  });
});
