import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { ErasurePhase } from "../../proto/gen/coupon/v1/erasure_pb.ts";
import type { AttemptDoc } from "../../record/attempts.ts";
import { refusal } from "../support/answers.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { readJsonLines, runCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const KEPT = 8;
const user = (name: string) => `${KEY_PREFIX}${name}`;

describe("coupon why, over real services", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;

  before(async () => {
    services = createServices({ ...stores.env, ERASURE_KEY: randomBytes(32).toString("hex") });
    service = await services.start({ env: { ATTEMPTS_KEPT: String(KEPT) } });
    clients = connectClients(service.url);
  });
  after(() => services.end());

  const attempts = () => stores.db.collection<AttemptDoc>("attempts");
  const claim = (campaignId: string, userId: string) =>
    clients.coupons.issueCoupon({ campaignId, userId }).then(
      () => "issued",
      () => "refused",
    );
  const logged = (campaignId: string, count: number) =>
    until(async () => (await attempts().countDocuments({ campaignId })) >= count, HANG_MS, 20);

  it("a winner, a repeated question and a refusal: who, when, at which process, and the answer", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    const beganMs = Date.now();
    await claim(campaignId, user("winner"));
    await claim(campaignId, user("winner"));
    await claim(campaignId, user("loser"));
    expect(await logged(campaignId, 3)).to.equal(true);
    const of = (name: string) =>
      runCli(["why", campaignId, "--user", user(name), "--json"], { url: service.url });
    const winner = readJsonLines((await of("winner")).stdout) as Record<string, string>[];
    expect(winner.map(({ outcome }) => outcome)).to.deep.equal(["issued", "replayed"]);
    const [lost] = readJsonLines((await of("loser")).stdout) as Record<string, string>[];
    expect(lost).to.include({ outcome: "sold_out", userId: user("loser") });
    expect(lost?.["server"]).to.match(new RegExp(`^.+/${service.process.pid}$`));
    expect(Date.parse(lost?.["at"] ?? "")).to.be.within(beganMs - 1, Date.now());
    const text = await runCli(["why", campaignId, "--user", user("winner")], { url: service.url });
    expect(text.stdout).to.match(/issued by .+ after \d+ ms\n/);
    const nobody = await runCli(["why", campaignId, "--user", user("nobody")], { url: service.url });
    expect([nobody.code, nobody.stderr]).to.deep.equal([
      4,
      "coupon: the attempt log has nothing of this caller; it has a sample only; coupon find shows whether there is a coupon\n",
    ]);
    const { reason, message } = await refusal(clients.campaigns.findAttempts({ campaignId }));
    expect([reason, message.split(":")[0]]).to.deep.equal(["INVALID", "user_id, request_id"]);
  });

  it("a request id that another user makes of a user id, or the same in NFD, or another campaign, does not hide or change whose it is", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 9, onePerUser: false, maxPerUser: 2 });
    const [kim, eve] = [user("김"), user("eve")];
    await clients.coupons.issueCoupon({ campaignId, userId: eve, requestId: kim });
    await clients.coupons.issueCoupon({ campaignId, userId: kim, requestId: user("1") });
    await clients.coupons.issueCoupon({ campaignId, userId: kim, requestId: user("2") });
    const elsewhere = await createOpenCampaign(clients, { total: 1 });
    expect(await claim(elsewhere, kim)).to.equal("issued");
    expect((await logged(campaignId, 3)) && (await logged(elsewhere, 1))).to.equal(true);
    const found = async (by: object) =>
      (await clients.campaigns.findAttempts({ campaignId, ...by })).attempts
        .map((one) => [one.userId, one.requestId])
        .sort();
    expect(await found({ userId: kim })).to.deep.equal([
      [kim, user("1")],
      [kim, user("2")],
    ]);
    expect(await found({ userId: kim.normalize("NFD") })).to.have.length(2);
    expect(await found({ requestId: kim })).to.deep.equal([[eve, kim]]);
    expect(await found({ userId: kim, requestId: user("2") })).to.deep.equal([[kim, user("2")]]);
    expect(await found({ userId: eve, requestId: user("2") })).to.deep.equal([]);
  });

  it("refusals stay within the ring, and no winner is put out of it", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 20 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => claim(campaignId, user(`w${i}`))));
    for (let i = 0; i < 60; i++) await claim(campaignId, user(`l${i}`));
    const isWinner = { campaignId, outcome: "issued" };
    expect(await until(async () => (await attempts().countDocuments(isWinner)) === 20, HANG_MS, 20)).to.equal(
      true,
    );
    expect(await logged(campaignId, 21)).to.equal(true);
    expect(await attempts().countDocuments({ campaignId })).to.be.at.most(20 + KEPT);
  });

  it("an erasure of a user removes what the user asked, also where there was no coupon", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    await claim(campaignId, user("kept"));
    await claim(campaignId, user("gone"));
    expect(await logged(campaignId, 2)).to.equal(true);
    for await (const _ of clients.campaigns.eraseUsers({ userIds: [user("gone")] }));
    const left = await attempts().find({ campaignId }).toArray();
    expect(left.map(({ userId }) => userId)).to.deep.equal([user("kept")]);
  });

  it("an erasure that is cut off has removed them by then, also where nothing would go on with them", async () => {
    const full = await createOpenCampaign(clients, { total: 1 });
    await claim(full, user("kept"));
    await claim(full, user("cut"));
    const open = await createOpenCampaign(clients, { total: 10 });
    await claim(open, user("cut"));
    expect((await logged(full, 2)) && (await logged(open, 1))).to.equal(true);
    for await (const { message } of clients.campaigns.eraseUsers({ userIds: [user("cut")] })) {
      if (message.case !== "progress" || message.value.phase !== ErasurePhase.WAITING) continue;
      const left = await attempts()
        .find({ who: user("cut") })
        .toArray();
      expect(left.map(({ campaignId }) => campaignId)).to.deep.equal([]);
      return;
    }
    expect.fail("it did not wait");
  });

  it("keeps nothing of campaigns that there are not, whatever they are answered, nor ids that none can have", async () => {
    const limited = await services.start({
      ...{ roles: "server", env: { ATTEMPTS_KEPT: String(KEPT), LIMIT_USER: "1/60" } },
    });
    const { coupons } = connectClients(limited.url);
    const campaignId = await createOpenCampaign(clients, { total: 9 });
    const ask = (id: string, userId: string) =>
      refusal(coupons.issueCoupon({ campaignId: id, userId })).then(({ reason }) => reason);
    const before = await attempts().countDocuments();
    const none = (i: number) => `${"0".repeat(24)}${String(i).padStart(2, "0")}`;
    expect(await ask(none(0), user("loop"))).to.equal("UNKNOWN_CAMPAIGN");
    for (let i = 1; i < 20; i++) expect(await ask(none(i), user("loop"))).to.equal("RATE_LIMITED");
    expect(await ask(campaignId, `${user("long")}${"x".repeat(1_000)}`)).to.equal("INVALID");
    // Written after all of these.
    await coupons.issueCoupon({ campaignId, userId: user("last") });
    expect(await logged(campaignId, 1)).to.equal(true);
    expect(await attempts().countDocuments()).to.equal(before + 1);
  });

  it("is off by default: nothing is kept, and the command says so", async () => {
    const off = await services.start({ roles: "server" });
    const { coupons, campaigns } = connectClients(off.url);
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    await coupons.issueCoupon({ campaignId, userId: user("a") });
    const answer = await campaigns.findAttempts({ campaignId, userId: user("a") });
    expect([answer.attempts, answer.isKept]).to.deep.equal([[], false]);
  });
});
