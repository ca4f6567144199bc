import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { readHistory } from "../../audit/history.ts";
import { until } from "../../local/poll.ts";
import { answerOf, type Held, refusedBy } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { couponVerify } from "../support/coupon-verify.ts";
import { differences, mentionsOf, readEverything } from "../support/everything.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { createShadow, removeShadow } from "../support/shadow.ts";
import { withStores } from "../support/with-stores.ts";

const AN_HOUR_MS = 3_600_000;
const SMALL = ["--rate", "200", "--in", "3", "--seed", "7"];

describe("coupon rehearse", () => {
  const stores = withStores("alone");
  let services: Services;
  let service: Service;
  let second: Service;
  let clients: Clients;
  let redis: RawRedis;
  let dir = "";

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    // Every sent insert must have arrived after 1.5 s, so removals need not wait longer here.
    services = createServices({ ...stores.env, COMMIT_DEADLINE_MS: "500" });
    [service, second] = await Promise.all([services.start(), services.start({ roles: "server" })]);
    clients = connectClients(service.url);
    dir = await mkdtemp(join(tmpdir(), "rehearse-test-"));
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      redis?.destroy();
      await rm(dir, { recursive: true, force: true });
    }
  });

  async function scheduled(more: { total?: number; onePerUser?: boolean; startsAtMs?: number } = {}) {
    const wanted = { total: 200, startsAtMs: Date.now() + AN_HOUR_MS, ...more };
    const { id } = await createCampaign(clients, wanted);
    await untilState(clients, id, "SCHEDULED");
    return id;
  }

  async function standing(campaignId: string): Promise<string[]> {
    const { campaigns } = await clients.campaigns.listCampaigns({ includeRehearsals: true });
    return campaigns.filter(({ rehearsalOf }) => rehearsalOf === campaignId).map(({ id }) => id);
  }

  async function idOfRehearsalOf(campaignId: string): Promise<string> {
    let found: string | undefined;
    await until(
      async () => {
        [found] = await standing(campaignId);
        return found !== undefined;
      },
      HANG_MS,
      20,
    );
    if (found === undefined) throw new Error("no rehearsal stands");
    return found;
  }

  /** The reasons in the JSON of a rehearsal, without those that a busy machine alone can cause. */
  function reasonsButLateness(stdout: string): string[] {
    const { reasons }: { reasons: string[] } = JSON.parse(stdout);
    return reasons.filter((reason) => !/^it opened [\d,]+ ms late$/.test(reason));
  }

  it("is a whole launch, is told as it was, and leaves both stores as they were, byte for byte", async () => {
    const id = await scheduled();
    const before = await readEverything(redis, stores.db);
    const file = join(dir, "records.jsonl");
    // More presses than there is time for before the start, so that some are double clicks.
    const plan = ["--rate", "100", "--users", "500", "--in", "3", "--seed", "7"];
    const rehearsing = runCli(["rehearse", id, ...plan, "--json", "--history", file], { url: service.url });
    const shadowId = await idOfRehearsalOf(id);
    expect(shadowId).to.match(/^R/);
    const { code, stdout, stderr } = await rehearsing;
    expect(code, stderr).to.equal(0);
    const told = JSON.parse(stdout);
    expect(told).to.deep.include({
      good: true,
      reasons: [],
      removed: true,
      issued: 200,
      rehearsalId: shadowId,
    });
    expect(told.plan).to.deep.include({ total: 200, users: 500, ratePerSecond: 100, seed: 7 });
    expect(told.press).to.deep.include({ presses: 750, issued: 200, unanswered: 0, unclear: 0 });
    expect(told.press.refusals.NOT_STARTED).to.be.greaterThan(50);
    expect(told.press.refusals.SOLD_OUT).to.be.greaterThan(10);
    expect(told.press.again).to.be.greaterThan(5);
    expect(told.press.latencyMs.p99).to.be.at.least(told.press.latencyMs.p50);
    expect(told.openingLateMs).to.be.within(0, 1_000);
    expect(told.soldOutAfterMs).to.be.greaterThan(500);
    expect(told.preflight.lines.length).to.be.greaterThan(10);
    const verdicts = [...told.stores, ...told.history].map(({ verdict }: { verdict: string }) => verdict);
    expect(new Set(verdicts)).to.deep.equal(new Set(["CHECK_VERDICT_HOLDS"]));
    expect(stderr).to.match(/removed: nothing of the rehearsal is left/);

    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
    expect(await mentionsOf(shadowId, redis, stores.db)).to.deep.equal([]);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect((await readHistory(file)).length).to.be.at.least(750);
    const gone = await clients.campaigns
      .getCampaign({ campaignId: shadowId })
      .then(() => undefined, refusedBy);
    expect(gone).to.deep.include({ code: Code.NotFound, reason: "UNKNOWN_CAMPAIGN" });
    const forgotten = await runCli(["rehearse", id, "--history", file], { url: service.url });
    expect([forgotten.code, forgotten.stderr]).to.satisfy(
      ([exit, text]: [number, string]) => exit === 2 && text.includes("exists"),
    );
  });

  it("beside the opening of its campaign: that one goes as if nothing had been", async () => {
    const total = 300;
    const id = await scheduled({ total });
    // Long enough to be ready on a busy machine, so that the start is not moved.
    const plan = ["--rate", "200", "--in", "10", "--seed", "7", "--total", "800", "--json"];
    const rehearsing = runCli(["rehearse", id, ...plan], { url: service.url });
    const shadowId = await idOfRehearsalOf(id);
    // Half a second after the start of its shadow, which is then open for four seconds.
    const { campaign: shadow } = await clients.campaigns.getCampaign({ campaignId: shadowId });
    const startsAtMs = (shadow?.startsAt === undefined ? 0 : timestampMs(shadow.startsAt)) + 500;
    await clients.campaigns.rescheduleCampaign({ campaignId: id, startsAt: timestampFromMs(startsAtMs) });
    const codesOf = async (campaignId: string) => {
      const docs = await stores.db.collection("coupons").find({ campaignId }).toArray();
      return docs.map(({ _id }) => String(_id));
    };
    await untilState(clients, shadowId, "SCHEDULED", "OPEN");
    const [own, shadows] = [await codesOf(id), await codesOf(shadowId)];
    expect([own.length, shadows.length]).to.deep.equal([total, 800]);
    expect(own.filter((code) => shadows.includes(code))).to.deep.equal([]);
    await until(() => Date.now() >= startsAtMs, HANG_MS, 5);
    // At any speed of this machine, users of the shadow keep coming for 3.5 s after the campaign has opened.
    const shadowAfterwards = until(
      async () => {
        const since = { campaignId: shadowId, issuedAt: { $gte: new Date(startsAtMs) } };
        return (await stores.db.collection("issuances").countDocuments(since)) > 0;
      },
      HANG_MS,
      50,
    );
    const acknowledged = new Map<string, Held>();
    const callers = Array.from({ length: 340 }, async (_, i) => {
      const userId = `${KEY_PREFIX}${i}`;
      // On a busy machine the outcome can be uncertain: the caller asks again, as real callers do.
      await until(
        async () => {
          const answer = await answerOf(() => clients.coupons.issueCoupon({ campaignId: id, userId }));
          if (answer.kind === "coupon") acknowledged.set(userId, answer.held);
          return answer.kind === "coupon" || answer.refused.code !== Code.Unavailable;
        },
        60_000,
        50,
      );
    });
    await Promise.all(callers);
    expect(await shadowAfterwards, "the shadow issues while the campaign does").to.equal(true);
    const { stderr, stdout } = await rehearsing;
    expect(reasonsButLateness(stdout), stderr + stdout).to.deep.equal([]);
    expect(acknowledged.size).to.equal(total);
    const books = await readBooksAtRest(redis, stores.db, id, total);
    expectRightBooks(books, total, acknowledged);
    await untilState(clients, id, "SOLD_OUT");
    expect((await couponVerify(service.url, id)).wrong).to.deep.equal([]);
    expect(await mentionsOf(shadowId, redis, stores.db)).to.deep.equal([]);
    expect(await codesOf(id)).to.deep.equal(own);
  });

  it("a campaign that gives one a request; demand below the stock; an amber preflight is no failure", async () => {
    const id = await scheduled({ onePerUser: false, total: 500 });
    const { code, stdout, stderr } = await runCli(
      ["rehearse", id, ...SMALL, "--users", "100", "--rate", "300"],
      { url: second.url },
    );
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/issued +100 of 500/);
    expect(stdout).to.match(/sold out +no\n/);
    expect(stdout).to.match(/AMBER +schedulers/);
    expect(stdout).to.match(/U2 +holds/);
    // With coupons left, the shadow would stay open; the command ends it, so that all is judged.
    expect(stdout).to.match(/U5 +holds +nothing is left under way/);
    expect(stdout).not.to.match(/not judged/);
    expect(stdout).to.match(/NOT_STARTED \d/);
    expect(stdout).to.match(/\nrehearsal: GOOD\n$/);
    expect(stdout + stderr).not.to.match(/[가-힣]{3}/);
    expect(await standing(id)).to.deep.equal([]);
  });

  it("presses before the start, however few users, and when it is not ready in time", async () => {
    const id = await scheduled({ total: 5_000 });
    const run = async (...plan: string[]) => {
      const { stdout, stderr } = await runCli(["rehearse", id, ...plan, "--in", "3", "--json"], {
        url: service.url,
      });
      const told = JSON.parse(stdout);
      expect(reasonsButLateness(stdout), stderr).to.deep.equal([]);
      expect(told.press.refusals.NOT_STARTED, plan.join(" ")).to.be.at.least(1);
      expect(told.remarks.join(), plan.join(" ")).not.to.match(/before the start/);
    };
    await Promise.all([run("--total", "1", "--users", "1"), run("--total", "50"), run("--users", "20")]);
  });

  it("Ctrl-C in the middle removes the traces too", async () => {
    const id = await scheduled();
    const before = await readEverything(redis, stores.db);
    const running = await startCli(["rehearse", id, ...SMALL], { url: service.url });
    await running.until(/\+0 s/);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.finished;
    expect(code, stderr).to.equal(130);
    expect(stderr).to.match(/removed: nothing of the rehearsal is left/);
    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
  });

  it("after kill -9 in the middle: --clean removes it now, the scheduler when its time is over", async () => {
    const [one, two] = [await scheduled(), await scheduled()];
    const before = await readEverything(redis, stores.db);
    for (const id of [one, two]) {
      const running = await startCli(["rehearse", id, ...SMALL], { url: service.url });
      await running.until(/\+0 s/);
      running.child.kill("SIGKILL");
      await running.finished;
    }
    const [left] = await standing(one);
    const [other = ""] = await standing(two);
    expect((await clients.campaigns.listCampaigns({})).campaigns.map(({ id }) => id)).not.to.include(left);
    const listed = await runCli(["list", "--rehearsals", "--json"], { url: service.url });
    expect(listed.stdout).to.contain(other);
    const cleaned = await runCli(["rehearse", one, "--clean"], { url: service.url });
    expect([cleaned.code, cleaned.stdout]).to.deep.equal([0, `removed ${left}\n`]);
    expect(await standing(two)).to.deep.equal([other]);
    await stores.db
      .collection("campaigns")
      .updateOne({ _id: other as never }, [{ $set: { expiresAt: "$$NOW" } }]);
    const gone = async () => (await mentionsOf(other, redis, stores.db)).length === 0;
    expect(await until(gone, HANG_MS, 100)).to.equal(true);
    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
    const none = await runCli(["rehearse", "--clean", "--json"], { url: service.url });
    expect([none.code, none.stdout]).to.deep.equal([0, '{"removed":[]}\n']);
  });

  it("--keep leaves the shadow, and every verb works on it", async () => {
    const id = await scheduled();
    const { code, stderr } = await runCli(["rehearse", id, ...SMALL, "--keep"], { url: service.url });
    expect(code, stderr).to.equal(0);
    const [shadowId = ""] = await standing(id);
    expect(stderr).to.contain(`${shadowId} is kept until`);
    expect((await couponVerify(service.url, shadowId)).wrong).to.deep.equal([]);
    for (const [verb, ...args] of [["stats"], ["preflight"], ["history"], ["get"], ["export"]]) {
      const done = await runCli([verb ?? "", shadowId, ...args], { url: second.url });
      // A sold-out campaign does not open, so its preflight is not green.
      expect(done.code, `${verb}: ${done.stderr}`).to.equal(verb === "preflight" ? 10 : 0);
    }
    await clients.campaigns.addCoupons({ campaignId: shadowId, count: 10 });
    await untilState(clients, shadowId, "OPEN");
    await clients.campaigns.pauseCampaign({ campaignId: shadowId });
    await clients.campaigns.resumeCampaign({ campaignId: shadowId });
    await clients.campaigns.cancelCampaign({ campaignId: shadowId });
    await removeShadow(connectClients(second.url), shadowId);
    expect(await mentionsOf(shadowId, redis, stores.db)).to.deep.equal([]);
  });

  it("refuses what is no rehearsal, a rehearsal of a rehearsal, and a request id used for something else", async () => {
    const id = await scheduled();
    const before = await readEverything(redis, stores.db);
    const refused = async (call: Promise<unknown>) => call.then(() => undefined, refusedBy);
    expect(await refused(clients.campaigns.removeRehearsal({ campaignId: id }))).to.deep.include({
      code: Code.InvalidArgument,
      reason: "INVALID",
    });
    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
    const unknown = clients.campaigns.removeRehearsal({ campaignId: "01JNOSUCHCAMPA1GN000000000" });
    expect(await refused(unknown)).to.deep.include({ reason: "UNKNOWN_CAMPAIGN" });
    const shadow = await createShadow(clients, id, { requestId: "once" });
    expect((await createShadow(clients, id, { requestId: "once" })).id).to.equal(shadow.id);
    expect(await refused(createShadow(clients, id, { requestId: "once", total: 7 }))).to.deep.include({
      reason: "CONFLICT",
    });
    const { name, total, startsAt, endsAt, onePerUser, codeFormat } = shadow;
    const same = { name, total, onePerUser, codeFormat, requestId: "once" };
    const asCampaign = { ...same, ...(startsAt && { startsAt }), ...(endsAt && { endsAt }) };
    expect(await refused(clients.campaigns.createCampaign(asCampaign))).to.deep.include({
      code: Code.AlreadyExists,
      reason: "CONFLICT",
    });
    expect(await refused(createShadow(clients, shadow.id))).to.deep.include({ reason: "INVALID" });
    expect(await refused(createShadow(clients, id, { total: -1 }))).to.deep.include({ reason: "INVALID" });
    await removeShadow(clients, shadow.id);
    expect((await createShadow(clients, id, { requestId: "once" })).id).not.to.equal(shadow.id);
    const [again = ""] = await standing(id);
    await removeShadow(clients, again);
  });
});
