import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createOpenCampaign } from "../../support/campaign.ts";
import { connectClients } from "../../support/clients.ts";
import { coupon, couponVerify } from "../../support/coupon-verify.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { openRawRedis } from "../../support/raw-redis.ts";
import { createServices, type Services } from "../../support/service.ts";
import { bytesOfAof, bytesOfMongo, bytesOfRedis } from "../../support/traces-of.ts";
import { withStores } from "../../support/with-stores.ts";

const TOTAL = 15_000;
const EARLY = 12_000;
const FORGOTTEN = 10_000;
const AT_ONCE = 64;

describe("erasing 10,000 users during a sale", () => {
  const stores = withStores("alone");
  let services: Services;

  before(() => {
    services = createServices({ ...stores.env, ERASURE_KEY: "k".repeat(40), LOG_LEVEL: "info" });
  });
  after(() => services.end());

  it("the audit is green, and no id is left in the stores, the files of Redis, the logs and an export", async () => {
    const { url } = await services.start();
    const clients = connectClients(url);
    const raw = await openRawRedis(stores.env.REDIS_URL);
    const campaignId = await createOpenCampaign(clients, { total: TOTAL });
    const name = (i: number) => `${KEY_PREFIX}somebody-${String(i).padStart(6, "0")}`;
    const codes = new Map<string, string>();
    /** Claims of these users, some at once; each is told the coupon that it was told before. */
    async function claimAll(from: number, to: number): Promise<void> {
      let next = from;
      const one = async () => {
        for (let i = next++; i < to; i = next++) {
          const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: name(i) });
          const code = coupon?.code ?? expect.fail("no coupon");
          expect(codes.get(name(i)) ?? code, name(i)).to.equal(code);
          codes.set(name(i), code);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    }
    await claimAll(0, EARLY);
    const folder = await mkdtemp(join(tmpdir(), "erased-"));
    const list = join(folder, "users.txt");
    await writeFile(list, Array.from({ length: FORGOTTEN }, (_, i) => name(i)).join("\n"));
    const beganAtMs = performance.now();
    const erasing = coupon(url, "erase", campaignId, "--users", list, "--yes", "--json");
    const [erased] = await Promise.all([erasing, claimAll(EARLY, TOTAL)]);
    console.log(`10,000 users were erased within ${Math.round(performance.now() - beganAtMs)} ms`);
    expect(erased.code, erased.stderr).to.equal(0);
    const [told] = (JSON.parse(erased.stdout) as { campaigns: object[] }).campaigns;
    expect(told).to.include({ campaignId, found: FORGOTTEN, erased: FORGOTTEN, pending: 0 });
    await claimAll(0, TOTAL);
    expect((await couponVerify(url, campaignId)).wrong).to.deep.equal([]);

    const file = join(folder, "export.csv");
    const exported = await coupon(url, "export", campaignId, "--out", file);
    expect(exported.code, exported.stderr).to.equal(0);
    const places = {
      mongo: await bytesOfMongo(stores.db),
      redis: await bytesOfRedis(raw),
      aof: await bytesOfAof(raw),
      export: await readFile(file),
    };
    await raw.close();
    const pattern = new RegExp(`${KEY_PREFIX}somebody-(\\d{6})`, "g");
    const idsIn = (bytes: Buffer) =>
      new Set([...bytes.toString("latin1").matchAll(pattern)].map(([, n]) => Number(n)));
    for (const [place, bytes] of Object.entries(places)) {
      const left = idsIn(bytes);
      expect(
        [...left].filter((i) => i < FORGOTTEN),
        `erased ids in ${place}`,
      ).to.deep.equal([]);
      expect(left.size, `the search finds the others in ${place}`).to.equal(TOTAL - FORGOTTEN);
    }
    expect(idsIn(Buffer.from(services.lines.join("\n"))).size, "ids in the logs").to.equal(0);
  });
});
