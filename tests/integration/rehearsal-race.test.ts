import { randomInt } from "node:crypto";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { refusedBy } from "../support/answers.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { differences, mentionsOf, readEverything } from "../support/everything.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { createShadow, removeShadow } from "../support/shadow.ts";
import { withStores } from "../support/with-stores.ts";

const ROUNDS = 8;
const CALLERS = 24;
const TOTAL = 3_000;
/** The average number of coupons that a round issues before its removal, at least. */
const LEAST_ISSUED = 10;

describe("a removal that races with claims", () => {
  const stores = withStores("alone");
  let services: Services;
  let one: Service;
  let clients: readonly Clients[];
  let redis: RawRedis;
  let id = "";

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices({ ...stores.env, COMMIT_DEADLINE_MS: "500" });
    const [first, second] = await Promise.all([services.start(), services.start({ roles: "server" })]);
    one = first;
    clients = [first, second].map(({ url }) => connectClients(url));
    const wanted = { total: TOTAL, startsAtMs: Date.now() + 3_600_000 };
    id = (await createCampaign(connectClients(one.url), wanted)).id;
    await untilState(connectClients(one.url), id, "SCHEDULED");
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      redis?.destroy();
    }
  });

  /** Lets callers ask until they get UNKNOWN_CAMPAIGN, or until `isOver`. */
  async function press(shadowId: string, told: Map<string, number>, isOver: () => boolean): Promise<void> {
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let i = 0; !isOver(); i++) {
        const { coupons } = clients[(caller + i) % clients.length] as Clients;
        const answer = await coupons
          .issueCoupon({ campaignId: shadowId, userId: `${caller} ${i}` })
          .then(() => "issued")
          .catch((error: unknown) => refusedBy(error).reason);
        told.set(answer, (told.get(answer) ?? 0) + 1);
        if (answer === "UNKNOWN_CAMPAIGN") return;
      }
    });
    await Promise.all(callers);
  }

  it(`${ROUNDS} times, over two servers, one of them killed: nothing is left, nothing comes afterwards`, async () => {
    const [at] = clients as [Clients];
    const before = await readEverything(redis, stores.db);
    const told = new Map<string, number>();
    const shadows: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { id: shadowId } = await createShadow(at, id);
      shadows.push(shadowId);
      // Half of the removals come while codes are still being made or loaded.
      const isOpen = round % 2 === 0;
      if (isOpen) await untilState(at, shadowId, "OPEN");
      const third = round === ROUNDS - 2 ? await services.start({ roles: "server" }) : undefined;
      if (third !== undefined) clients = [...clients, connectClients(third.url)];
      let over = false;
      const issuedBefore = told.get("issued") ?? 0;
      const pressing = press(shadowId, told, () => over);
      const issued = () => (told.get("issued") ?? 0) - issuedBefore;
      // On any machine, the other half of the removals come during a sale.
      if (isOpen) await until(() => issued() > 2 * LEAST_ISSUED, HANG_MS, 5);
      await new Promise((resolve) => setTimeout(resolve, randomInt(20, 400)));
      const removing = removeShadow(at, shadowId);
      if (third !== undefined) {
        // The third server has claims of its own under way.
        await third.process.kill();
        clients = clients.slice(0, 2);
      }
      await removing;
      over = true;
      await pressing;
      expect(await mentionsOf(shadowId, redis, stores.db), `round ${round}`).to.deep.equal([]);
    }
    expect(told.get("issued"), "claims before").to.be.greaterThan(ROUNDS * LEAST_ISSUED);
    expect(told.get("UNKNOWN_CAMPAIGN"), "claims after").to.be.greaterThan(ROUNDS);
    // Longer than any insert, sweep, tick or heartbeat that was under way then.
    const settled = Date.now() + 3_000;
    await until(() => Date.now() > settled, HANG_MS, 100);
    for (const shadowId of shadows) expect(await mentionsOf(shadowId, redis, stores.db)).to.deep.equal([]);
    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
    // A removal is no fault: an alarm, or a commit that counts as failed, would hold back other campaigns.
    const loud = services.lines.filter((line) => /"level":(?:"(?:warn|error)"|[45]0)/.test(line));
    // A warning about this test's short deadline is logged at the start.
    const expected = /preflight|"COMMIT_DEADLINE_MS is /;
    expect(loud.filter((line) => !expected.test(line))).to.deep.equal([]);
  });
});
