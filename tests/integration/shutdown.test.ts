import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import type { Db } from "mongodb";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { WatchCampaignResponse } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { type Answer, answerOf, type Held, refusedBy } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createCampaign, createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients, grpcClients } from "../support/clients.ts";
import { metric } from "../support/metrics-page.ts";
import { OWN_DATABASE, type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";

const user = (i: number) => `${KEY_PREFIX}${i}`;

describe("A server that ends", () => {
  let stack: OwnStack;
  let services: Services;
  let db: Db;

  before(async () => {
    stack = await startOwnStack();
    db = stack.mongo.db(OWN_DATABASE);
  });

  // Each test has its own services, so that no server does the work that the test expects of another.
  beforeEach(() => {
    // Long deadlines: the tests below pause stores on purpose; meanwhile no call may time out, and no breaker
    // may open, which answers claims with UNCERTAIN.
    services = createServices({
      ...stack.env,
      STORE_DEADLINE_MS: "30000",
      COMMIT_DEADLINE_MS: "30000",
      STORE_STALL_MS: "30000",
      COMMIT_STALL_MS: "30000",
      ISSUE_DEADLINE_MS: "30000",
      DRAIN_DEADLINE_MS: "30000",
      SWEEP_AFTER_MS: "300",
    });
  });

  afterEach(async () => {
    stack.redis.resume();
    stack.mongodb.resume();
    await services.end();
  });

  after(() => stack.close());

  async function untilTrue(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    expect(await until(condition, HANG_MS, 10), what).to.equal(true);
  }

  /**
   * Pauses a store and sends claims. Resolves when all of them wait for the store; the answers come later.
   * User 0 already has a coupon, so that the server has the campaign cached.
   */
  async function claimIntoThePause(
    paused: "redis" | "mongodb",
    campaignId: string,
    { url }: Service,
    ask: (userId: string) => Promise<Answer>,
    count: number,
  ): Promise<{ readonly answering: Promise<readonly Answer[]> }> {
    const known = await ask(user(0));
    expect(known.kind === "coupon" || known.refused.message).to.equal(true);
    const ledgerDepth = () => stack.rawRedis.xLen(campaignKeys(campaignId).ledger);
    await untilTrue("the ledger is empty before the pause", async () => (await ledgerDepth()) === 0);
    stack[paused].pause();
    const answering = Promise.all(Array.from({ length: count }, (_, i) => ask(user(i + 1))));
    answering.catch(() => undefined); // the caller of this function handles the error later
    const queue = paused === "redis" ? "claims" : "commits";
    await untilTrue(`all claims wait for ${paused}`, async () => {
      return (await metric(url, "coupon_queue_depth", `queue="${queue}"`)) === count;
    });
    if (paused === "mongodb") expect(await ledgerDepth(), "entries in the ledger").to.equal(count);
    return { answering: answering.then((answers) => [known, ...answers]) };
  }

  for (const paused of ["mongodb", "redis"] as const) {
    it(`by SIGTERM answers every claim that it has taken, on both doors, while ${paused} is slow`, async () => {
      const total = 20;
      const service = await services.start();
      const clients = connectClients(service.url);
      const grpc = grpcClients(service.grpcUrl);
      const campaignId = await createOpenCampaign(clients, { total });
      const doors = [clients, grpc];
      let turn = 0;
      const ask = (userId: string) => {
        const { coupons } = doors[turn++ % 2] as Clients;
        return answerOf(() => coupons.issueCoupon({ campaignId, userId }));
      };
      const { answering } = await claimIntoThePause(paused, campaignId, service, ask, total - 1);
      const ended = service.process.stop();
      await service.process.waitForLine((line) => line.includes("draining"), HANG_MS);
      await untilTrue("the doors are closed to new callers", () =>
        fetch(new URL("/readyz", service.url), { headers: { connection: "close" } }).then(
          () => false,
          () => true,
        ),
      );
      expect(service.process.isRunning, "it waits for what is in flight").to.equal(true);
      stack[paused].resume();
      const answers = await answering;
      expect(await ended, "exit code").to.equal(0);
      grpc.close();

      const acknowledged = new Map<string, Held>();
      answers.forEach((answer, i) => {
        expect(answer.kind === "coupon" || answer.refused.message, `the answer to claim ${i}`).to.equal(true);
        if (answer.kind === "coupon") acknowledged.set(user(i), answer.held);
      });
      expectRightBooks(await readBooksAtRest(stack.rawRedis, db, campaignId, total), total, acknowledged);
    });
  }

  it("by SIGTERM under load fails no claim that was sent before, and the others go to its neighbour", async () => {
    const total = 600;
    const [leaving, staying] = await Promise.all([services.start(), services.start()]);
    const neighbour = connectClients(staying.url);
    const servers = [connectClients(leaving.url), neighbour];
    const campaignId = await createOpenCampaign(neighbour, { total });
    const acknowledged = new Map<string, Held>();
    const dropped: { readonly answer: Answer; readonly userId: string }[] = [];
    let [next, moved] = [0, 0];
    const workers = Array.from({ length: 16 }, async () => {
      let server = 0;
      while (next < total) {
        const userId = user(next++);
        const claim = () =>
          answerOf(() => (servers[server] as Clients).coupons.issueCoupon({ campaignId, userId }));
        let answer = await claim();
        if (answer.kind === "refused") {
          dropped.push({ userId, answer });
          server = 1;
          moved++;
          answer = await claim();
        }
        if (answer.kind === "coupon") acknowledged.set(userId, answer.held);
      }
    });
    await untilTrue("in the middle of the load", () => acknowledged.size > total / 4);
    const toldAtMs = Date.now();
    const ended = leaving.process.stop();
    await Promise.all(workers);
    expect(await ended, "exit code").to.equal(0);
    expect(moved, "workers that had to go to the neighbour").to.be.greaterThan(0);
    for (const { answer, userId } of dropped) {
      const { code, reason, message } = (answer as Extract<Answer, { kind: "refused" }>).refused;
      expect(answer.askedAtMs, `${userId}, asked before SIGTERM, got: ${message}`).to.be.at.least(toldAtMs);
      // The outcome is not definite: either the server answers that it is stopping, or the connection is
      // closed.
      expect(["UNSPECIFIED", "UNCERTAIN"], message).to.include(reason);
      expect([Code.Unavailable, Code.Aborted, Code.Internal, Code.Unknown], message).to.include(code);
    }
    expect(acknowledged.size).to.equal(total);
    expectRightBooks(await readBooksAtRest(stack.rawRedis, db, campaignId, total), total, acknowledged);
  });

  it("by kill -9 between claim and commit leaves a ledger that the next server's sweeper finishes", async () => {
    const total = 40;
    const [claims, impatient] = [30, 10];
    const doomed = await services.start();
    const before = connectClients(doomed.url);
    const campaignId = await createOpenCampaign(before, { total });
    const { answering } = await claimIntoThePause(
      "mongodb",
      campaignId,
      doomed,
      (userId) => answerOf(() => before.coupons.issueCoupon({ campaignId, userId })),
      claims - 1,
    );
    const bound = await stack.rawRedis.hGetAll(campaignKeys(campaignId).claims);
    expect(Object.keys(bound).length, "claims that Redis has decided").to.equal(claims);
    await doomed.process.kill();
    for (const answer of (await answering).slice(1)) {
      expect(answer.kind === "refused" && answer.refused.reason, "no answer").to.equal("UNSPECIFIED");
    }
    stack.mongodb.resume();

    const next = await services.start();
    const after = connectClients(next.url);
    const retry = async (userId: string): Promise<Held> => {
      const answer = await answerOf(() => after.coupons.issueCoupon({ campaignId, userId }));
      if (answer.kind === "refused") throw new Error(`a retry was refused: ${answer.refused.message}`);
      expect(answer.replayed, `${userId} has had it all along`).to.equal(true);
      const [code, , ms] = (bound[userId] ?? "").split(" ");
      expect([answer.held.code, answer.held.issuedAtMs]).to.deep.equal([code, Number(ms)]);
      return answer.held;
    };
    const acknowledged = new Map<string, Held>();
    // Some callers ask at once, the others after the sweeper has finished their claims.
    await Promise.all(
      Array.from({ length: impatient }, async (_, i) => acknowledged.set(user(i), await retry(user(i)))),
    );
    await untilTrue("the sweeper has finished entries of the dead server", async () => {
      return (await metric(next.url, "coupon_swept_total")) > 0;
    });
    await readBooksAtRest(stack.rawRedis, db, campaignId, claims);
    for (let i = impatient; i < claims; i++) acknowledged.set(user(i), await retry(user(i)));
    const books = await readBooksAtRest(stack.rawRedis, db, campaignId, claims);
    expectRightBooks(books, total, acknowledged);
    expect(books.open.length, "left for others").to.equal(total - claims);
  });

  it("by SIGTERM ends every watch cleanly", async () => {
    const leaving = await services.start();
    const clients = connectClients(leaving.url);
    const grpc = grpcClients(leaving.grpcUrl);
    const { id: campaignId } = await createCampaign(clients, {
      total: 1,
      startsAtMs: Date.now() + 3_600_000,
    });
    const seen: WatchCampaignResponse[][] = [[], [], []];
    const through = [clients, connectClients(leaving.url, { json: true }), grpc];
    const watching = through.map(async ({ campaigns }, i) => {
      try {
        for await (const message of campaigns.watchCampaign({ campaignId, intervalMs: 60_000 })) {
          seen[i]?.push(message);
        }
        return "ended";
      } catch (error) {
        return refusedBy(error).message;
      }
    });
    await untilTrue("each watch has had its first message", () =>
      seen.every((messages) => messages.length > 0),
    );
    expect(await leaving.process.stop(), "exit code").to.equal(0);
    expect(await Promise.all(watching)).to.deep.equal(["ended", "ended", "ended"]);
    grpc.close();
  });

  describe("with a delay that no test could wait for", () => {
    const DELAYED = { SHUTDOWN_DELAY_MS: "600000" };
    const readyz = async ({ url }: Service) => (await fetch(new URL("/readyz", url))).status;

    it("by Ctrl-C ends without it", async () => {
      const service = await services.start({ env: DELAYED });
      expect(await readyz(service)).to.equal(200);
      expect(await service.process.interrupt(HANG_MS), "exit code").to.equal(0);
    });

    it("by SIGTERM is not ready and serves on, and a second signal ends it at once", async () => {
      const total = 2;
      const service = await services.start({ env: DELAYED });
      const clients = connectClients(service.url);
      const campaignId = await createOpenCampaign(clients, { total });
      process.kill(service.process.pid, "SIGTERM");
      await untilTrue("it is not ready", async () => (await readyz(service)) === 503);
      for (let i = 0; i < total; i++) {
        const answer = await answerOf(() => clients.coupons.issueCoupon({ campaignId, userId: user(i) }));
        expect(answer.kind === "coupon" || answer.refused.message).to.equal(true);
      }
      // Signals that come close together count as one, so the signal is sent until the process ends.
      await untilTrue("it has ended", () => {
        if (service.process.isRunning) process.kill(service.process.pid, "SIGTERM");
        return !service.process.isRunning;
      });
      expect(await service.process.exited).to.deep.equal({ code: 5, signal: null });
    });
  });
});
