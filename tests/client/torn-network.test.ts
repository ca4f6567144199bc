import { expect } from "chai";
import { seededRandom } from "../../callers/random.ts";
import { createCouponClient } from "../../client/coupon-client.ts";
import type { Held } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";
import { startTornNetwork, type TornNetwork } from "./torn-network.ts";

const CLAIMS = 2_000;
const COUPONS = 1_500;
const AT_ONCE = 48;
/** Printed, and to be given to repeat a run. */
const SEED = Number(process.env["TORN_NETWORK_SEED"] ?? Date.now() % 1_000_000);

describe("2,000 claims through a network that cuts and delays", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let network: TornNetwork;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
  });

  after(async () => {
    await network?.close();
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  it(`end definite, each coupon once and none lost (seed ${SEED})`, async () => {
    const service = await services.start();
    const campaignId = await createOpenCampaign(connectClients(service.url), {
      total: COUPONS,
      onePerUser: false,
    });
    network = await startTornNetwork(Number(new URL(service.url).port), seededRandom(SEED));
    const random = seededRandom(SEED + 1);
    const held = new Map<string, Held>();
    const refused: string[] = [];
    let requests = 0;
    let next = 0;

    async function claims(): Promise<void> {
      while (next < CLAIMS) {
        next += 1;
        const client = createCouponClient({
          ...{ baseUrl: network.url, storage: "memory", tryTimeoutMs: 3_000, random },
        });
        const outcome = await client.claim(campaignId, {
          onProgress({ kind }) {
            if (kind === "asking") requests += 1;
          },
        });
        if (outcome.kind !== "issued") refused.push(outcome.kind);
        else {
          const { code, seq, issuedAt } = outcome.coupon;
          held.set(outcome.requestId, { code, seq, issuedAtMs: issuedAt.getTime() });
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, claims));

    expect(network.cut(), "connections cut").to.be.greaterThan(100);
    expect(requests).to.be.greaterThan(CLAIMS + 100);
    expect(refused).to.deep.equal(Array(CLAIMS - COUPONS).fill("soldOut"));
    expect(held.size).to.equal(COUPONS);
    const books = await readBooksAtRest(redis, stores.db, campaignId, COUPONS);
    expectRightBooks(books, COUPONS, held);
  });
});
