import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { enumName } from "../../proto/enum-name.ts";
import { CampaignState, CampaignStateSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { type Answer, answerOf, type Held, isUncertain } from "../support/answers.ts";
import { expectRightBooks, readBooks, readBooksAtRest } from "../support/books.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const AHEAD_MS = 3_000;

describe("The start instant", () => {
  const stores = withStores("each");
  let redis: RawRedis;
  let services: Services;

  beforeEach(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
  });

  afterEach(async () => {
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  /** Asks repeatedly with one key until the answer is not NOT_STARTED. Returns all answers, in order. */
  async function claimUntilOver({ coupons }: Clients, campaignId: string, userId: string): Promise<Answer[]> {
    const answers: Answer[] = [];
    const over = await until(
      async () => {
        const answer = await answerOf(() => coupons.issueCoupon({ campaignId, userId }));
        answers.push(answer);
        if (isUncertain(answer)) throw new Error(`with healthy stores: ${JSON.stringify(answer.kind)}`);
        return answer.kind === "coupon" || answer.refused.reason !== "NOT_STARTED";
      },
      HANG_MS,
      1,
    );
    expect(over, "the campaign opened").to.equal(true);
    return answers;
  }

  /** Waits for a status; it may be up to 100 ms old, because a server reads it at most that often. */
  async function untilStatus({ coupons }: Clients, campaignId: string, state: CampaignState) {
    let status = await coupons.getCampaignStatus({ campaignId });
    const reached = await until(
      async () => {
        status = await coupons.getCampaignStatus({ campaignId });
        return status.state === state;
      },
      HANG_MS,
      25,
    );
    expect(reached, `GetCampaignStatus told ${enumName(CampaignStateSchema, status.state)}`).to.equal(true);
    return status;
  }

  /** A refusal before the start must be exact to the millisecond: all processes here use the same clock. */
  function expectNotYet(answer: Answer, startsAtMs: number): void {
    if (answer.kind !== "refused") throw new Error("a coupon where a refusal was expected");
    const { code, reason, detail } = answer.refused;
    expect([code, reason]).to.deep.equal([Code.FailedPrecondition, "NOT_STARTED"]);
    expect(detail?.startsAt && timestampMs(detail.startsAt), "starts_at").to.equal(startsAtMs);
    expect(detail?.serverTime && timestampMs(detail.serverTime), "server_time").to.be.within(
      answer.askedAtMs,
      answer.answeredAtMs,
    );
    expect(Number(detail?.retryAfterMs), "retry_after_ms").to.be.within(
      Math.max(1, startsAtMs - answer.answeredAtMs),
      startsAtMs - answer.askedAtMs,
    );
  }

  it("nothing is issued before it, on two servers hammered from before the start", async () => {
    const total = 60;
    const users = Array.from({ length: 80 }, (_, i) => `${KEY_PREFIX}${i}`);
    const started = await Promise.all([services.start(), services.start()]);
    const servers = started.map(({ url }) => connectClients(url));
    const [one, two] = servers as [Clients, Clients];
    const startsAtMs = Date.now() + AHEAD_MS;
    const { id: campaignId } = await createCampaign(one, { total, startsAtMs });
    await untilState(two, campaignId, "SCHEDULED");
    const before = await untilStatus(two, campaignId, CampaignState.SCHEDULED);
    const serverTimeMs = before.serverTime === undefined ? 0 : timestampMs(before.serverTime);
    expect(Number(before.millisToStart)).to.equal(startsAtMs - serverTimeMs);

    // Ten users for each worker, one after another: as in a real sale, most callers come before the start.
    const workers = Array.from({ length: 8 }, (_, worker) => users.filter((_, i) => i % 8 === worker));
    const answers = new Map<string, { server: number; answers: Answer[] }>();
    await Promise.all(
      workers.map(async (keys, worker) => {
        const server = worker % 2;
        for (const key of keys) {
          const mine = await claimUntilOver(servers[server] as Clients, campaignId, key);
          answers.set(key, { server, answers: mine });
        }
      }),
    );

    const early = [0, 0];
    const acknowledged = new Map<string, Held>();
    for (const [key, { server, answers: mine }] of answers) {
      for (const answer of mine) {
        if (answer.kind === "coupon") {
          acknowledged.set(key, answer.held);
          expect(answer.held.issuedAtMs, "issued_at").to.be.at.least(startsAtMs);
          expect(answer.answeredAtMs, "the answer with a coupon came").to.be.at.least(startsAtMs);
          expect(answer.held.issuedAtMs, "issued before it was answered").to.be.at.most(answer.answeredAtMs);
        } else if (answer.refused.reason !== "SOLD_OUT") {
          expectNotYet(answer, startsAtMs);
          early[server] = (early[server] ?? 0) + 1;
        }
      }
    }
    expect(early[0], "claims before the start on the first server").to.be.greaterThan(0);
    expect(early[1], "claims before the start on the second server").to.be.greaterThan(0);
    expect(acknowledged.size).to.equal(total);
    const books = await readBooksAtRest(redis, stores.db, campaignId, total);
    expectRightBooks(books, total, acknowledged);
    const { openedAt } = await untilState(one, campaignId, "SOLD_OUT");
    expect(openedAt && timestampMs(openedAt), "opened_at").to.equal(Number(books.meta["armedAt"]));
    expect(Number(books.meta["armedAt"])).to.be.at.least(startsAtMs);
    const after = await untilStatus(two, campaignId, CampaignState.SOLD_OUT);
    expect([after.soldOut, after.millisToStart]).to.deep.equal([true, 0n]);
  });

  it("with every scheduler down the first claim opens it, and one that comes back catches up", async () => {
    const { url } = await services.start({ roles: "server,generator" });
    const clients = connectClients(url);
    const startsAtMs = Date.now() + AHEAD_MS;
    const claimed = await createCampaign(clients, { total: 5, startsAtMs });
    const unclaimed = await createCampaign(clients, { total: 5, startsAtMs });
    await untilState(clients, claimed.id, "SCHEDULED");
    await untilState(clients, unclaimed.id, "SCHEDULED");

    const answers = await claimUntilOver(clients, claimed.id, `${KEY_PREFIX}first`);
    const last = answers.at(-1);
    if (last?.kind !== "coupon") throw new Error("the first claim after the start got no coupon");
    expect(answers.length, "claims before the start").to.be.greaterThan(1);
    for (const answer of answers.slice(0, -1)) expectNotYet(answer, startsAtMs);
    expect(last.held.issuedAtMs).to.be.at.least(startsAtMs);

    // A claim opened the pool: the status is OPEN, but without a scheduler the record is not updated.
    const opened = await readBooks(redis, stores.db, claimed.id);
    expect([opened.meta["state"], opened.campaign?.state]).to.deep.equal(["open", "SCHEDULED"]);
    await untilStatus(clients, claimed.id, CampaignState.OPEN);
    const asleep = await readBooks(redis, stores.db, unclaimed.id);
    expect([asleep.meta["state"], asleep.campaign?.state]).to.deep.equal(["staged", "SCHEDULED"]);
    expect(asleep.staged.length).to.equal(5);

    const schedulerStartedMs = Date.now();
    await services.start({ roles: "scheduler" });
    const isRecorded = async (campaignId: string) =>
      (await readBooks(redis, stores.db, campaignId)).campaign?.state === "OPEN";
    const recorded = await until(
      async () => (await isRecorded(claimed.id)) && (await isRecorded(unclaimed.id)),
      HANG_MS,
      25,
    );
    expect(recorded, "the scheduler that came back recorded both as open").to.equal(true);

    const right = await readBooks(redis, stores.db, claimed.id);
    expect(right.campaign?.openedAt?.getTime(), "opened_at").to.equal(Number(opened.meta["armedAt"]));
    expect(right.campaign?.openedAt?.getTime()).to.be.within(startsAtMs, last.held.issuedAtMs);
    const late = await readBooks(redis, stores.db, unclaimed.id);
    expect(late.meta["state"]).to.equal("open");
    expect(late.campaign?.openedAt?.getTime(), "armed by the scheduler").to.equal(
      Number(late.meta["armedAt"]),
    );
    expect(late.campaign?.openedAt?.getTime()).to.be.at.least(schedulerStartedMs);
    const [answer] = await claimUntilOver(clients, unclaimed.id, `${KEY_PREFIX}late`);
    expect(answer?.kind).to.equal("coupon");
  });

  it("a scheduler that is killed before it and one that starts after it leave no trace", async () => {
    const { url } = await services.start({ roles: "server,generator" });
    const clients = connectClients(url);
    const scheduler = await services.start({ roles: "scheduler" });
    const startsAtMs = Date.now() + AHEAD_MS;
    const { id } = await createCampaign(clients, { total: 3, startsAtMs });
    await scheduler.process.waitForLine((line) => line.includes(id) && line.includes("aiming"), HANG_MS);
    await scheduler.process.kill();
    expect(Date.now(), "killed before the instant").to.be.lessThan(startsAtMs);
    await services.start({ roles: "scheduler" });
    const campaign = await untilState(clients, id, "OPEN");
    expect(campaign.issued).to.equal(0);
    const { meta, open } = await readBooks(redis, stores.db, id);
    expect(Number(meta["armedAt"])).to.be.at.least(startsAtMs);
    expect(open.length).to.equal(3);
  });
});
