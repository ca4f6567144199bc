import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { enumName } from "../../proto/enum-name.ts";
import {
  CampaignView,
  type PreflightColour,
  PreflightColourSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { couponVerify } from "../support/coupon-verify.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { slotMigration } from "../support/slot-migration.ts";
import { withStores } from "../support/with-stores.ts";

const TOTAL = 600;
const CALLERS = 8;
/** The pause of a caller between two coupons. */
const PACE_MS = 50;
/**
 * How long each step of the migration is kept open: longer than a rebuild, a lease and several ticks.
 */
const HELD_MS = 2_000;

describe("a slot that migrates while its campaign is live", () => {
  const stores = withStores();
  let cluster: RedisCluster;
  let services: Services;
  let service: Service;
  let clients: Clients;

  before(async () => {
    cluster = await startRedisCluster({ replicas: false });
    services = createServices({ ...stores.env, REDIS_URL: cluster.url });
    service = await services.start();
    clients = connectClients(service.url);
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      await cluster?.close();
    }
  });

  const generationOf = async (campaignId: string) =>
    (await clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC })).campaign?.generation ?? 0;

  /**
   * Starts callers that repeat a request with the same key until it succeeds, one coupon every few ms, until
   * all are gone or `stopped` is set.
   */
  function press(campaignId: string) {
    const seen = { issued: 0, unclear: 0, next: 0, stopped: false };
    const working = Array.from({ length: CALLERS }, async () => {
      while (seen.next < TOTAL && !seen.stopped) {
        const userId = `${KEY_PREFIX}${seen.next++}`;
        for (let done = false; !done; ) {
          done = await clients.coupons.issueCoupon({ campaignId, userId }).then(
            () => true,
            () => false,
          );
          if (done) seen.issued++;
          else seen.unclear++;
        }
        await sleep(PACE_MS);
      }
    });
    return { seen, done: Promise.all(working) };
  }

  const slotLine = async (campaignId: string) => {
    const { colour, lines } = await clients.campaigns.preflightCampaign({ campaignId });
    const line = lines.find(({ check }) => check === "redis-slot");
    const nameOf = (wanted?: PreflightColour) =>
      wanted === undefined ? undefined : enumName(PreflightColourSchema, wanted);
    return { worst: nameOf(colour), slot: nameOf(line?.colour) };
  };

  it("keeps selling while its keys are where they were, waits while they are not, and is back at once with one rebuild", async () => {
    const campaignId = await createOpenCampaign(clients, { total: TOTAL });
    const migration = await slotMigration(cluster, campaignKeys(campaignId).meta);
    const before = await generationOf(campaignId);
    const { seen, done } = press(campaignId);
    const more = async (count: number) => {
      const wanted = Math.min(TOTAL, seen.issued + count);
      expect(await until(() => seen.issued >= wanted, HANG_MS, 20), `${seen.issued} issued`).to.equal(true);
    };
    await more(20);
    expect(await slotLine(campaignId)).to.include({ slot: "GREEN" });

    await migration.begin();
    const unclear = seen.unclear;
    await more(100);
    expect(seen.unclear, "answers that were not clear while the keys are at the source").to.equal(unclear);
    expect(await slotLine(campaignId)).to.deep.equal({ worst: "AMBER", slot: "AMBER" });

    // Moves one key at a time, so that in each step both nodes have some keys.
    while ((await migration.moveKeys(1)) > 0) await sleep(HELD_MS / 10);
    const moved = { issued: seen.issued, unclear: seen.unclear };
    await sleep(HELD_MS);
    expect(await slotLine(campaignId)).to.deep.equal({ worst: "AMBER", slot: "AMBER" });
    expect(seen.issued, "nothing is issued between two nodes").to.equal(moved.issued);
    expect(seen.unclear, "the callers asked all the while").to.be.above(moved.unclear);
    expect(
      await generationOf(campaignId),
      "no generation is used up for a slot that does not hold still",
    ).to.equal(before);

    await migration.finish();
    await more(100);
    expect(await slotLine(campaignId)).to.include({ slot: "GREEN" });
    await done;
    await untilState(clients, campaignId, "SOLD_OUT");
    const { code, stdout } = await couponVerify(service.url, campaignId);
    expect(code, stdout).to.equal(0);
    expect(seen.issued).to.equal(TOTAL);
    expect((await generationOf(campaignId)) - before, "one rebuild, on the node that has it now").to.equal(1);
    expect(services.lines.filter((line) => line.includes("this is a bug"))).to.deep.equal([]);
  });

  it("a slot that goes to and fro costs one rebuild each time, and the books are right", async () => {
    const campaignId = await createOpenCampaign(clients, { total: TOTAL });
    const before = await generationOf(campaignId);
    const { seen, done } = press(campaignId);
    const moves = 3;
    for (let move = 0; move < moves; move++) {
      const issued = seen.issued;
      expect(await until(() => seen.issued >= issued + 30, HANG_MS, 20), `${seen.issued} issued`).to.equal(
        true,
      );
      const migration = await slotMigration(cluster, campaignKeys(campaignId).meta);
      await migration.begin();
      while ((await migration.moveKeys()) > 0);
      await migration.finish();
    }
    await done;
    await untilState(clients, campaignId, "SOLD_OUT");
    const { code, stdout } = await couponVerify(service.url, campaignId);
    expect(code, stdout).to.equal(0);
    expect((await generationOf(campaignId)) - before).to.be.within(1, moves);
  });
});
