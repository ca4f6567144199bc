import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { createPseudonyms } from "../../../campaign/erasure/pseudonyms.ts";
import { campaignKeys } from "../../../pool/keys.ts";
import type { ErasureReport } from "../../../proto/gen/coupon/v1/erasure_pb.ts";
import type { CampaignDoc, IssuanceDoc } from "../../../record/documents.ts";
import { isPseudonym } from "../../../record/pseudonym.ts";
import { refusal } from "../../support/answers.ts";
import { createOpenCampaign } from "../../support/campaign.ts";
import { type Clients, connectClients, grpcWebClients } from "../../support/clients.ts";
import { couponVerify } from "../../support/coupon-verify.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../../support/raw-redis.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { bytesOfAof, bytesOfMongo, bytesOfRedis, textsIn } from "../../support/traces-of.ts";
import { withStores } from "../../support/with-stores.ts";

const ERASURE_KEY = "k".repeat(40);

describe("erasing users", () => {
  const stores = withStores("alone");
  let services: Services;
  let service: Service;
  let clients: Clients;
  let raw: RawRedis;
  let campaignId = "";

  before(async () => {
    services = createServices({ ...stores.env, ERASURE_KEY, COMMIT_DEADLINE_MS: "500" });
    service = await services.start();
    clients = connectClients(service.url);
    raw = await openRawRedis(stores.env.REDIS_URL);
  });
  after(async () => {
    await raw.close();
    await services.end();
  });

  async function erase(userIds: string[], campaignId = "", dryRun = false): Promise<ErasureReport> {
    for await (const { message } of clients.campaigns.eraseUsers({ userIds, campaignId, dryRun }))
      if (message.case === "report") return message.value;
    return expect.fail("no report");
  }

  /** As a caller does: where the outcome is not known, it asks again with the same key. */
  async function claim(campaignId: string, userId: string): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId });
        return coupon?.code ?? expect.fail("no coupon");
      } catch (error) {
        if (!(error instanceof ConnectError) || error.code !== Code.Unavailable || attempt === 50)
          throw error;
        await sleep(100);
      }
    }
  }

  it("some hundred users in a sale: they keep their coupons, and no id of theirs stays anywhere", async () => {
    campaignId = await createOpenCampaign(clients, { total: 901 });
    const names = Array.from({ length: 900 }, (_, i) => `${KEY_PREFIX}person-${String(i).padStart(4, "0")}`);
    const early = names.slice(0, 500);
    const codes = new Map<string, string>();
    const claimAll = (some: readonly string[]) =>
      Promise.all(some.map(async (name) => codes.set(name, await claim(campaignId, name))));
    await claimAll(early);
    const toForget = early.slice(0, 300);
    const [report] = await Promise.all([erase(toForget), claimAll(names.slice(500))]);
    expect(report.campaigns.map(({ found, erased, pending }) => [found, erased, pending])).to.deep.equal([
      [300, 300, 0],
    ]);
    for (const name of names) expect(await claim(campaignId, name), name).to.equal(codes.get(name));

    const issuances = await stores.db.collection<IssuanceDoc>("issuances").find({ campaignId }).toArray();
    expect(issuances.filter(({ claimKey }) => isPseudonym(claimKey))).to.have.length(300);
    const verified = await couponVerify(service.url, campaignId);
    expect(verified.wrong).to.deep.equal([]);

    const kept = names.slice(300);
    const places = {
      mongo: await bytesOfMongo(stores.db),
      redis: await bytesOfRedis(raw),
      aof: await bytesOfAof(raw),
      logs: Buffer.from(services.lines.join("\n")),
    };
    for (const [place, bytes] of Object.entries(places))
      expect(textsIn(bytes, toForget), place).to.deep.equal([]);
    for (const place of ["mongo", "redis", "aof"] as const)
      expect(textsIn(places[place], kept), `the search in ${place} finds those who stay`).to.deep.equal(kept);
  });

  it("every way of asking finds the coupon; a process with another key, or none, says no for now, not that there is none", async () => {
    const userId = `${KEY_PREFIX}person-0001`;
    const code = await claim(campaignId, userId);
    const ask = { campaignId, userId };
    const asks = ({ coupons, campaigns }: Clients) => [
      coupons.issueCoupon(ask).then(({ coupon }) => coupon?.code),
      coupons.findCoupon(ask).then(({ coupon }) => coupon?.code),
      campaigns.findIssuance(ask).then(({ issuance }) => issuance?.coupon?.code),
    ];
    for (const over of [clients, connectClients(service.url, { json: true }), grpcWebClients(service.url)])
      expect(await Promise.all(asks(over))).to.deep.equal([code, code, code]);
    for (const env of [{ ERASURE_KEY: "o".repeat(40) }, { ERASURE_KEY: "" }]) {
      const other = await services.start({ roles: "server", env });
      const reasons = await Promise.all(
        asks(connectClients(other.url)).map(async (asked) => (await refusal(asked)).reason),
      );
      expect(reasons).to.deep.equal(["OVERLOADED", "OVERLOADED", "OVERLOADED"]);
      expect(await other.process.interrupt()).to.equal(0);
    }
  });

  it("bad input is refused with the name of the field, and a campaign that is not there", async () => {
    const refusedFor = (userIds: string[], id = "") =>
      erase(userIds, id).then(
        () => "erased",
        (error: Error) => error.message,
      );
    expect(await refusedFor([])).to.match(/user_ids: 1 to 1000 of them/);
    expect(await refusedFor(Array.from({ length: 1_001 }, (_, i) => `u${i}`))).to.match(
      /user_ids: 1 to 1000/,
    );
    expect(await refusedFor(["\u0001"])).to.match(/user_id: has a control character/);
    expect(await refusedFor(["kim"], "0".repeat(26))).to.match(/there is no such campaign/);
  });

  it("verify names a pool without the mark, an id that stayed in the pool, and a second coupon", async () => {
    const { meta, claims, open } = campaignKeys(campaignId);
    const wrong = async () =>
      (await couponVerify(service.url, campaignId)).stores.checks
        .filter(({ verdict }) => verdict === "CHECK_VERDICT_VIOLATED")
        .flatMap(({ title, offenders }) => offenders.map(({ words }) => `${title}: ${words}`));
    const ERASED = "erased users keep one coupon, and no id";
    const user = `${KEY_PREFIX}person-0007`;
    const pseudonym = createPseudonyms(ERASURE_KEY).of(campaignId, user);

    // Of a campaign that goes on, servers mark the pool again.
    const key = (await raw.hGet(meta, "erased")) ?? expect.fail("no mark");
    await stores.db
      .collection<CampaignDoc>("campaigns")
      .updateOne({ _id: campaignId }, { $set: { state: "ENDED" } });
    await raw.hSet(meta, "erased", "another");
    expect((await wrong()).join()).to.include(`${ERASED}: the pool does not ask for pseudonyms`);
    await raw.hSet(meta, "erased", key);
    await stores.db
      .collection<CampaignDoc>("campaigns")
      .updateOne({ _id: campaignId }, { $set: { state: "OPEN" } });
    expect(await wrong()).to.deep.equal([]);

    const bound = (await raw.hGet(claims, pseudonym)) ?? expect.fail("not bound");
    await raw.hDel(claims, pseudonym);
    await raw.hSet(claims, user, bound);
    // Another erased user is given a second coupon, under the id.
    const second = `${KEY_PREFIX}person-0008`;
    const code = (await raw.lPop(open)) ?? expect.fail("no code is left");
    const [generation, seq, at] = [Number(await raw.hGet(meta, "generation")), 5_000, Date.now()];
    await raw.hSet(claims, second, `${code} ${generation}-${seq} ${at}`);
    await raw.hSet(meta, "seq", seq);
    await stores.db
      .collection<IssuanceDoc>("issuances")
      .insertOne({ _id: code, campaignId, claimKey: second, generation, seq, issuedAt: new Date(at) });
    expect((await wrong()).join()).to.match(
      /is the second coupon of a user who was erased, beside coupon \d+/,
    );
  });
});
