import { createHash, randomBytes } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { openAuditor } from "../../audit/stores/auditor.ts";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { refusal } from "../support/answers.ts";
import { createCampaign, createOpenCampaign } from "../support/campaign.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../support/claim-credentials.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { runCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const MOST = 3;
const user = (name: string) => `${KEY_PREFIX}${name}`;
const request = (name: string) => `${KEY_PREFIX}request ${name}`;

describe("max_per_user over real services", () => {
  const stores = withStores();
  const secret = randomBytes(32).toString("hex");
  const shopKey = randomBytes(32).toString("hex");
  const CLAIM_KEYS = `shop:${createHash("sha256").update(shopKey).digest("hex")}`;
  const bearer = (credential: string) => ({ headers: { authorization: `Bearer ${credential}` } });
  let redis: RawRedis;
  let services: Services;
  let one: Service;
  let two: Service;
  let clients: Clients;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    const env = { CLAIM_KEYS, CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: AUDIENCE };
    services = createServices({ ...stores.env, ...env, LEASE_MS: "1000", SWEEP_AFTER_MS: "1000" });
    [one, two] = await Promise.all([services.start(), services.start({ roles: "server" })]);
    clients = connectClients(one.url);
  });
  after(async () => {
    try {
      await services.end();
    } finally {
      redis.destroy();
    }
  });

  const openPlaces = (wanted: object = {}) =>
    createOpenCampaign(clients, { total: 20, onePerUser: false, maxPerUser: MOST, ...wanted });
  const reasonOf = async (call: Promise<unknown>) => {
    const { reason, code } = await refusal(call);
    return [String(reason), code];
  };

  it("create: 1 is one-per-user, 0 counts nobody, both at once and what is out of range are refused", async () => {
    const facts = async (wanted: object) => {
      const { onePerUser, maxPerUser } = await createCampaign(clients, { total: 1, ...wanted });
      return [onePerUser, maxPerUser];
    };
    expect(await facts({ onePerUser: false, maxPerUser: 1 })).to.deep.equal([true, 1]);
    expect(await facts({ onePerUser: true, maxPerUser: 1 })).to.deep.equal([true, 1]);
    expect(await facts({ onePerUser: true })).to.deep.equal([true, 1]);
    expect(await facts({ onePerUser: false })).to.deep.equal([false, 0]);
    expect(await facts({ onePerUser: false, maxPerUser: 100 })).to.deep.equal([false, 100]);
    for (const wanted of [{ maxPerUser: 101 }, { maxPerUser: -1 }, { maxPerUser: 2, onePerUser: true }]) {
      const refused = await refusal(createCampaign(clients, { total: 1, onePerUser: false, ...wanted }));
      expect([refused.reason, refused.message.split(":")[0]]).to.deep.equal(["INVALID", "max_per_user"]);
    }
    const same = { total: 1, onePerUser: false, startsAtMs: 1_800_000_000_000, requestId: request("same") };
    await createCampaign(clients, { ...same, maxPerUser: 2 });
    const { message } = await refusal(createCampaign(clients, { ...same, maxPerUser: 3 }));
    expect(message).to.include("a campaign with another max_per_user");
  });

  it("claims need user and request; FindCoupon by both, and by the user the latest; operators find all", async () => {
    const campaignId = await openPlaces();
    const { coupons, campaigns } = clients;
    const [anna, other] = [user("anna"), user("other")];
    expect(await reasonOf(coupons.issueCoupon({ campaignId, userId: anna }))).to.deep.equal([
      "INVALID",
      Code.InvalidArgument,
    ]);
    expect(await reasonOf(coupons.issueCoupon({ campaignId, requestId: "r" }))).to.deep.equal([
      "INVALID",
      Code.InvalidArgument,
    ]);
    const codes: string[] = [];
    for (const name of ["1", "2", "3"]) {
      const { coupon } = await coupons.issueCoupon({ campaignId, userId: anna, requestId: request(name) });
      codes.push(coupon?.code ?? "");
    }
    const fourth = { campaignId, userId: anna, requestId: request("4") };
    expect(await reasonOf(coupons.issueCoupon(fourth))).to.deep.equal([
      "MAX_PER_USER",
      Code.FailedPrecondition,
    ]);
    const find = async (by: object) => (await coupons.findCoupon({ campaignId, ...by })).coupon?.code;
    expect(await find({ userId: anna, requestId: request("2") })).to.equal(codes[1]);
    expect(await find({ userId: anna })).to.equal(codes[2]);
    expect(await find({ code: codes[0] })).to.equal(codes[0]);
    expect(await reasonOf(find({ userId: other, requestId: request("2") }))).to.deep.equal([
      "NO_COUPON",
      Code.NotFound,
    ]);
    expect(await reasonOf(find({ userId: other }))).to.deep.equal(["NO_COUPON", Code.NotFound]);
    expect((await reasonOf(find({ requestId: request("2") })))[0]).to.equal("INVALID");
    expect((await reasonOf(find({ userId: anna, code: codes[0] })))[0]).to.equal("INVALID");
    const all = await campaigns.findIssuance({ campaignId, userId: anna });
    const rows = [all.issuance, ...all.others].map((held) => [
      held?.userId,
      held?.requestId,
      held?.coupon?.code,
    ]);
    expect(rows).to.deep.equal(["1", "2", "3"].map((name, i) => [anna, request(name), codes[i]]));
    const byBoth = await campaigns.findIssuance({ campaignId, userId: anna, requestId: request("3") });
    expect(byBoth.issuance?.coupon?.code).to.equal(codes[2]);
    expect((await reasonOf(campaigns.findIssuance({ campaignId, requestId: request("3") })))[0]).to.equal(
      "INVALID",
    );
    expect((await reasonOf(campaigns.findIssuance({ campaignId, userId: other })))[0]).to.equal("NO_COUPON");
    const status = await coupons.getCampaignStatus({ campaignId });
    expect([status.onePerUser, status.maxPerUser]).to.deep.equal([false, MOST]);
  });

  it("a token names the user, who cannot ask as another; a backend's key vouches for it", async () => {
    const { coupons } = clients;
    const token = bearer(secretMaker(secret).sign(claimsOf(user("tom"))));
    const byToken = await openPlaces({ claimAuth: 3 });
    const ask = (name: string) => ({ campaignId: byToken, requestId: request(name) });
    const first = await coupons.issueCoupon(ask("1"), token);
    expect((await coupons.issueCoupon(ask("1"), token)).coupon?.code).to.equal(first.coupon?.code);
    await coupons.issueCoupon(ask("2"), token);
    await coupons.issueCoupon(ask("3"), token);
    expect((await reasonOf(coupons.issueCoupon(ask("4"), token)))[0]).to.equal("MAX_PER_USER");
    const { coupon } = await coupons.findCoupon(ask("1"), token);
    expect(coupon?.code).to.equal(first.coupon?.code);
    const latest = await coupons.findCoupon({ campaignId: byToken }, token);
    expect(latest.coupon?.seq).to.equal(3);
    const stranger = bearer(secretMaker(secret).sign(claimsOf(user("eve"))));
    expect((await reasonOf(coupons.findCoupon(ask("1"), stranger)))[0]).to.equal("NO_COUPON");
    const byKey = await openPlaces({ claimAuth: 2 });
    for (const name of ["1", "2", "3"])
      await coupons.issueCoupon(
        { campaignId: byKey, userId: user("kim"), requestId: request(name) },
        bearer(shopKey),
      );
    const more = { campaignId: byKey, userId: user("kim"), requestId: request("4") };
    expect((await reasonOf(coupons.issueCoupon(more, bearer(shopKey))))[0]).to.equal("MAX_PER_USER");
  });

  it("the command creates, claims, finds and exports it", async () => {
    const create = ["create", "--name", "places", "--total", "5", "--start", "now", "--yes", "--wait"];
    const made = await runCli([...create, "--max-per-user", "2", "--json"], { url: one.url });
    expect(made.code, made.stderr).to.equal(0);
    const { id, maxPerUser } = JSON.parse(made.stdout).campaign as { id: string; maxPerUser: number };
    expect(maxPerUser).to.equal(2);
    const got = await runCli(["get", id], { url: one.url });
    expect(got.stdout).to.include("at most 2 per user, one per request id");
    const issue = (name: string) =>
      runCli(["issue", id, "--user", user("cli"), "--request-id", request(name)], { url: one.url });
    const first = await issue("1");
    expect(first.stdout, first.stderr).to.include("the key: it gets this coupon again");
    expect((await issue("2")).code).to.equal(0);
    const third = await issue("3");
    expect([third.code, third.stderr]).to.deep.equal([
      3,
      "coupon: the campaign gives each user 2 coupons, and this user has them; coupon find --user shows the user's coupons; a repeated --request-id still gets its own\n",
    ]);
    const exported = await runCli(["export", id, "--format", "csv"], { url: one.url });
    for (const name of ["1", "2"]) expect(exported.stdout).to.include(`${user("cli")},${request(name)}`);
    const both = await runCli([...create, "--max-per-user", "2", "--one-per-user"], { url: one.url });
    expect([both.code, both.stderr]).to.deep.equal([
      2,
      "coupon: --one-per-user and --max-per-user contradict each other; --max-per-user 1 is --one-per-user\n",
    ]);
  });

  it("users press at two servers, one is killed and the pool is lost: never more, every answer is kept", async () => {
    const campaignId = await openPlaces({ total: 60 });
    const users = Array.from({ length: 10 }, (_, i) => user(`race-${i}`));
    const told = new Map<string, Set<string>>();
    const full = new Set<string>();
    const servers = [connectClients(one.url), connectClients(two.url)];
    const press = async (userId: string, requestId: string): Promise<void> => {
      let asked = 0;
      await until(
        async () => {
          const { coupons } = servers[asked++ % servers.length] ?? clients;
          try {
            const { coupon } = await coupons.issueCoupon({ campaignId, userId, requestId });
            const key = `${userId} ${requestId}`;
            told.set(key, (told.get(key) ?? new Set()).add(coupon?.code ?? ""));
            return true;
          } catch (error) {
            const { reason } = await refusal(Promise.reject(error)).catch(() => ({ reason: undefined }));
            if (reason === "MAX_PER_USER") full.add(userId);
            return reason === "MAX_PER_USER";
          }
        },
        HANG_MS,
        20,
      );
    };
    const pressing = users.flatMap((userId) =>
      ["1", "2", "3", "4", "5"].flatMap((name) => [
        press(userId, request(name)),
        press(userId, request(name)),
      ]),
    );
    await until(async () => told.size > 3, HANG_MS, 1);
    await two.process.kill();
    await redis.del(Object.values(campaignKeys(campaignId)));
    two = await services.start({ roles: "server" });
    servers[1] = connectClients(two.url);
    await Promise.all(pressing);
    for (const [asked, codes] of told) expect([...codes], asked).to.have.length(1);
    expect([...full].sort()).to.deep.equal([...users].sort());
    const auditor = await openAuditor({
      redisUrl: stores.env.REDIS_URL,
      mongodbUrl: stores.env.MONGODB_URL,
      database: stores.env.MONGODB_DATABASE,
    });
    try {
      expect(await auditor.waitForRest(campaignId, [], HANG_MS)).to.equal(true);
      const docs = await stores.db.collection<IssuanceDoc>("issuances").find({ campaignId }).toArray();
      expect(docs).to.have.length(users.length * MOST);
      const { verdicts } = await auditor.audit(campaignId, { rest: "observed" });
      for (const { ok, invariant, offenders } of verdicts)
        expect(ok, `${invariant}: ${offenders.map(({ words }) => words)}`).to.equal(true);
      // A coupon more than a user may have, on record: the audit says whose.
      const [first] = docs;
      await stores.db
        .collection<IssuanceDoc>("issuances")
        .updateOne(
          { campaignId, userId: users[0] ?? "" },
          { $set: { userId: users[1] ?? "", claimKey: `${users[1]}\u001fforged`, place: 4 } },
        );
      const damaged = await auditor.audit(campaignId, { rest: "observed" });
      const four = damaged.verdicts.find(({ invariant }) => invariant === "U4");
      expect(first).not.to.equal(undefined);
      expect(four?.ok).to.equal(false);
      expect(JSON.stringify(four)).to.match(/is coupon 4 of user#\w+, and the campaign gives each user 3/);
    } finally {
      await auditor.close();
    }
  });
});
