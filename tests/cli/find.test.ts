import { expect } from "chai";
import { byRequest, callersOnly, olderService, withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaignId } from "../support/stand-in.ts";

describe("cli find", () => {
  const recorded = withRecordedCalls();
  const { coupons, found, holders } = recorded;

  it("looks up by user, request id, or both, with the operators' service", async () => {
    const user = await coupons("find", campaignId, "--user", "u");
    expect(user.code, user.stderr).to.equal(0);
    expect(user.stdout)
      .to.match(/user +u\n/)
      .and.match(/name +크리스마스/);
    expect((await coupons("find", byRequest, "--request", "r")).stdout).to.match(/request id +r\n/);
    expect((await coupons("find", byRequest, "--user", "u", "--request", "r3")).code).to.equal(0);
    const { stdout } = await coupons("find", byRequest, "--request-id", "r2", "--json");
    const [json] = readJsonLines(stdout);
    expect(json).to.have.nested.property("issuance.coupon.seq", 7);
    expect(json).to.have.nested.property("coupon.seq", 7);
    expect(holders.map(({ userId, requestId, code }) => [userId, requestId, code])).to.deep.equal([
      ["u", "", ""],
      ["", "r", ""],
      ["u", "r3", ""],
      ["", "r2", ""],
    ]);
    expect(found).to.have.length(0);
  });

  it("asks as a caller with a caller's credential, with none of operators, and where operators are refused", async () => {
    const asked = () => [holders.length, found.length];
    const run = (id: string, env: Record<string, string>, ...args: string[]) =>
      runHere(["find", id, "--user", "u", ...args], { url: recorded.url, env });
    const withToken = await run(campaignId, { COUPON_CLAIM_TOKEN: "a.b.c" }, "--json");
    expect(asked()).to.deep.equal([0, 1]);
    expect(readJsonLines(withToken.stdout)[0]).to.have.keys(["coupon"]);
    expect((await run(campaignId, { COUPON_TOKEN: "" })).code).to.equal(0);
    expect(asked()).to.deep.equal([0, 2]);
    expect((await run(callersOnly, {})).code).to.equal(0);
    expect(asked()).to.deep.equal([1, 3]);
    expect((await run(olderService, {})).code).to.equal(0);
    expect(asked()).to.deep.equal([2, 4]);
  });

  it("shows all coupons of a user, and says that there are more", async () => {
    const { code, stdout, stderr } = await coupons("find", campaignId, "--user", "many");
    expect([code, stderr]).to.deep.equal([
      0,
      "coupon: this user has more coupons; coupon export lists all\n",
    ]);
    expect(stdout.match(/^가나다라마바\d{4}$/gm)).to.deep.equal(["가나다라마바0007", "가나다라마바0008"]);
    expect(stdout).to.match(/request id +second/);
  });

  it("a key that is not found as given is looked up without spaces and in the other Unicode form", async () => {
    const typed = ` ${"홍 길동".normalize("NFD")} `;
    const { code, stdout, stderr } = await coupons("find", campaignId, "--user", typed);
    expect(code).to.equal(0);
    expect(stdout.split("\n")[0]).to.equal("가나다라마바0007");
    expect(stderr).to.equal(
      'coupon: not found as given; found as "홍길동", with other spaces and in another Unicode form\n',
    );
    expect(holders[0]).to.have.property("userId", typed);
    const asGiven = await coupons("find", campaignId, "--user", "홍길동");
    expect([asGiven.code, asGiven.stderr]).to.deep.equal([0, ""]);
  });

  it("says which key the campaign goes by where the other is given", async () => {
    const user = await coupons("find", byRequest, "--user", "zed");
    expect([user.code, user.stderr]).to.deep.equal([
      2,
      "coupon: this campaign gives coupons by request id, not by user; give --request and the request id that claimed; coupon export lists them with their users\n",
    ]);
    const request = await coupons("find", campaignId, "--request", "not-the-key");
    expect(request.stderr).to.equal(
      "coupon: this campaign gives one coupon per user, whatever the request id; give --user and who claimed\n",
    );
    const ofUser = await coupons("find", byRequest, "--request", "by-token");
    expect([ofUser.code, ofUser.stderr]).to.deep.equal([
      2,
      "coupon: no claim without a token has this request id, and with a token it is its user's own; give --user beside --request\n",
    ]);
    const long = await coupons("find", byRequest, "--request", "r".repeat(200));
    expect(long.stderr).to.match(/the service refused --request: 1 to 128/);
  });

  it("says who has none, with the reason of the service in JSON", async () => {
    const { stderr } = await coupons("find", campaignId, "--user", "nobody");
    expect(stderr).to.equal(
      'coupon: no coupon of this campaign went to the user "nobody"; coupon export lists who has one\n',
    );
    const both = await coupons("find", byRequest, "--user", "nobody", "--request", "r");
    expect(both.stderr).to.match(/went to the user "nobody" with the request id "r"; coupon export/);
    const json = await coupons("find", campaignId, "--user", "nobody", "--json");
    expect(readJsonLines(json.stderr)[0]?.["error"]).to.include({ reason: "NO_COUPON", exitCode: 4 });
    const unknown = await coupons("find", "--code", "unknown");
    expect(unknown.code).to.equal(4);
    expect(unknown.stderr).to.match(/^coupon: this code was not issued; read it again letter by letter/);
  });

  it("--request-id is an older spelling of --request that is not shown", async () => {
    const { stdout } = await coupons("find", "--help");
    expect(stdout).to.include("--request <id>").and.not.include("--request-id");
    const both = await coupons("find", campaignId, "--request", "r", "--request-id", "r");
    expect(both.code).to.equal(2);
  });

  it("--code says who has it, in one campaign or in all", async () => {
    const { code, stdout } = await coupons("find", "--code", "가나다 0007");
    expect(code).to.equal(0);
    expect(stdout.split("\n")[0]).to.equal("가나다라마바0007");
    expect(stdout)
      .to.match(/user +alice/)
      .and.match(/name +크리스마스/)
      .and.include(campaignId);
    const json = await coupons("find", campaignId, "--code", "가나다", "--json");
    expect(readJsonLines(json.stdout)[0]).to.have.nested.property("issuance.coupon.seq", 7);
    expect(holders.map(({ code, campaignId }) => [code, campaignId])).to.deep.equal([
      ["가나다 0007", ""],
      ["가나다", campaignId],
    ]);
    expect(found).to.have.length(0);
  });

  it("--code says that a code was mistyped", async () => {
    const { code, stderr } = await coupons("find", "--code", "wrong");
    expect(code).to.equal(2);
    expect(stderr).to.match(
      /^coupon: the service refused --code: mistyped: the check character does not fit[^\n]+\n$/,
    );
  });

  it("a user or a request id needs a campaign", async () => {
    const { code, stderr } = await coupons("find", "--user", "alice");
    expect(code).to.equal(2);
    expect(stderr).to.include("coupon list shows the campaign ids");
  });

  it("exits with 4 where there is no coupon, and with 2 unless a code or a claim key is given", async () => {
    expect((await coupons("find", campaignId, "--user", "nobody")).code).to.equal(4);
    expect((await coupons("find", campaignId)).code).to.equal(2);
    expect((await coupons("find", campaignId, "--user", "u", "--code", "c")).code).to.equal(2);
  });
});
