import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { campaignKeys } from "../../../pool/keys.ts";
import { refusedBy } from "../../support/answers.ts";
import { createCampaign, createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { coupon, couponVerify } from "../../support/coupon-verify.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { openStores, sharedStack } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";

const TOTAL = 4_000;
const CALLERS = 24;

describe("coupon verify of a live campaign", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let redis: RawRedis;

  before(async () => {
    redis = await openRawRedis((await sharedStack()).redis.url);
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      redis?.destroy();
    }
  });

  it("finds nothing wrong while coupons go out, says what it cannot judge, and judges it afterwards", async () => {
    const campaignId = await createOpenCampaign(clients, { total: TOTAL });
    let next = 0;
    const pressing = Array.from({ length: CALLERS }, async () => {
      while (next < TOTAL)
        await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${next++}` });
    });
    const sold = Promise.all(pressing);
    let [live, underWay] = [0, 0];
    while (next < TOTAL) {
      const { wrong, stores: told, stdout } = await couponVerify(service.url, campaignId);
      expect(wrong, stdout).to.deep.equal([]);
      if (!told.live) continue;
      live += 1;
      const ledger = told.checks.find(({ title }) => title === "nothing is left under way");
      if (ledger?.verdict === "CHECK_VERDICT_NOT_JUDGED") underWay += 1;
    }
    expect(live, "verified while it was live").to.be.greaterThan(1);
    expect(underWay, "with claims under way").to.be.greaterThan(0);
    await sold;
    await untilState(clients, campaignId, "SOLD_OUT");
    const { wrong, stores: told } = await couponVerify(service.url, campaignId);
    expect(wrong).to.deep.equal([]);
    expect(told).to.include({ live: false, readings: 1, issued: TOTAL });
    expect(new Set(told.checks.map(({ verdict }) => verdict))).to.deep.equal(
      new Set(["CHECK_VERDICT_HOLDS"]),
    );
  });

  it("does one at a time: another is refused as overloaded, and coupon waits for its turn", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 2_000 });
    const first = clients.campaigns.verifyCampaign({ campaignId })[Symbol.asyncIterator]();
    await first.next();
    const second = clients.campaigns.verifyCampaign({ campaignId })[Symbol.asyncIterator]();
    const refused = await second.next().then(() => undefined, refusedBy);
    expect(refused).to.include({ code: Code.Unavailable, reason: "OVERLOADED" });
    const waits = couponVerify(service.url, campaignId);
    while (!(await first.next()).done);
    expect((await waits).wrong).to.deep.equal([]);
  });

  it("judges nothing of codes that are still being made, and knows no other campaign", async () => {
    const alone = await openStores();
    const others = createServices(alone.env);
    try {
      const withoutGenerator = await others.start({ roles: "server" });
      const { id } = await createCampaign(connectClients(withoutGenerator.url), { total: 5 });
      const { code, stores: told } = await couponVerify(withoutGenerator.url, id);
      expect(code).to.equal(0);
      const unjudged = told.checks.filter(({ verdict }) => verdict === "CHECK_VERDICT_NOT_JUDGED");
      expect(unjudged.map(({ invariant }) => invariant)).to.include.members(["U3", "U5"]);
      expect((await coupon(withoutGenerator.url, "verify", "01JNOSUCHCAMPA1GN000000000")).code).to.equal(4);
      expect((await coupon(withoutGenerator.url, "verify", id, "--offenders", "0")).code).to.equal(2);
      expect((await coupon(withoutGenerator.url, "verify", id, "--history", "/nowhere.jsonl")).code).to.equal(
        2,
      );
    } finally {
      await others.end();
      await alone.close();
    }
  });

  it("callers' records without an entry judge nothing, and what is no record is an error", async () => {
    const folder = await mkdtemp(join(tmpdir(), "coupon-verify-"));
    try {
      const campaignId = await createOpenCampaign(clients, { total: 3 });
      const file = join(folder, "history.jsonl");
      await writeFile(file, "");
      const { code, history } = await couponVerify(service.url, campaignId, "--history", file);
      expect(code).to.equal(0);
      const why = "the callers' records hold no entry";
      const silent = history?.checks.filter(({ notJudgedBecause }) => notJudgedBecause === why);
      expect(silent?.map(({ invariant }) => invariant)).to.deep.equal(["U2", "U6", "U7"]);
      const { stdout } = await coupon(service.url, "verify", campaignId, "--history", file);
      expect(stdout).to.match(/U2 +not judged .*: the callers' records hold no entry\n/);
      await writeFile(file, "garbage\n");
      const garbage = await coupon(service.url, "verify", campaignId, "--history", file);
      expect(garbage).to.include({ code: 2, stdout: "" });
      expect(garbage.stderr).to.match(/history\.jsonl: line 1 is not a history entry/);
      const endless = await coupon(service.url, "verify", campaignId, "--history", "/dev/zero");
      expect(endless.code).to.equal(2);
      expect(endless.stderr).to.match(/\/dev\/zero: line 1 is longer than 65536 bytes/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("finds damage that stays in a live campaign, and reads again before it says so", async () => {
    const alone = await openStores();
    const others = createServices(alone.env);
    try {
      const worker = await others.start({ roles: "generator,scheduler" });
      const server = await others.start({ roles: "server" });
      const own = connectClients(server.url);
      const campaignId = await createOpenCampaign(own, { total: 20 });
      for (let i = 0; i < 5; i++) await own.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
      // Ends the scheduler, which would rebuild the pool.
      await worker.process.stop();
      await redis.hDel(campaignKeys(campaignId).claims, `${KEY_PREFIX}3`);
      const { code, stdout, stderr } = await coupon(server.url, "verify", campaignId);
      expect(code, stderr).to.equal(8);
      expect(stdout).to.match(/5 of 20 issued, at rest, read 3 times/);
      expect(stdout).to.match(/U5 +1 WRONG +the books balance/);
      expect(stdout).to.match(
        /- coupon \d+ of key#[0-9a-f]{8} has an issuance and is not in the claims hash\n/,
      );
      expect(stdout).to.match(/U2 +not judged .*--history/);
      expect(stderr).to.match(/U5 is violated/);
    } finally {
      await others.end();
      await alone.close();
    }
  });
});
