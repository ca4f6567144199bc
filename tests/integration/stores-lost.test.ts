import { createServer, type Server } from "node:net";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import type { Db } from "mongodb";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { type Answer, answerOf, type Held, isUncertain } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { inParallel } from "../support/in-parallel.ts";
import { metric } from "../support/metrics-page.ts";
import { startMongos } from "../support/mongos.ts";
import { OWN_DATABASE, type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { createServices, type Services } from "../support/service.ts";

const COUPONS = 150;
const USERS = 200;
const AT_ONCE = 12;

describe("A service whose stores are not there at the start", () => {
  let stack: OwnStack;
  /** Long enough to reach the store that is running, on a busy machine. */
  const soon = { START_DEADLINE_MS: "4000", PORT: "0" };

  before(async () => {
    stack = await startOwnStack();
  });
  after(async () => {
    await stack.close();
  });

  /** Expects one line for a person on stderr, nothing on stdout, and no stack trace. */
  function expectOneLine(stderr: string, stdout: string, ...words: readonly string[]): void {
    expect(stdout).to.equal("");
    expect(stderr).to.match(/^coupon: .+\n$/);
    for (const word of words) expect(stderr).to.include(word);
    expect(stderr).not.to.match(/^\s+at /m);
  }

  it("says that there is no Redis, where, and what to set, and leaves with code 3", async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await runToEnd({
      ...soon,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      MONGODB_URL: stack.mongodb.url,
    });
    expectOneLine(stderr, stdout, "REDIS_URL", `127.0.0.1:${port}`);
    expect(code).to.equal(3);
  });

  it("says that there is no MongoDB, where, and what to set, and leaves with code 3", async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await runToEnd({
      ...soon,
      REDIS_URL: stack.redis.url,
      MONGODB_URL: `mongodb://someone:hush-hush@127.0.0.1:${port}/?directConnection=true`,
    });
    expectOneLine(stderr, stdout, "MONGODB_URL", `127.0.0.1:${port}`);
    expect(stderr, "a password").not.to.include("hush-hush");
    expect(code).to.equal(3);
  });

  it("says which collection must not be sharded, whatever its roles, and leaves with code 2", async () => {
    const mongos = await startMongos(stack.mongodb, { sharded: ["issuances"] });
    try {
      for (const ROLES of ["server", "scheduler", "generator"]) {
        const { code, stdout, stderr } = await runToEnd({
          ...{ ...soon, ROLES, REDIS_URL: stack.redis.url, MONGODB_URL: mongos.url, HEALTH_PORT: "0" },
        });
        expectOneLine(stderr, stdout, "has sharded coupons.issuances: ");
        expect(code, ROLES).to.equal(2);
      }
    } finally {
      await mongos.close();
    }
  });

  it("says that a port is taken and which setting to change, and leaves with code 4", async () => {
    const holder: Server = createServer();
    const taken = await freePort();
    await new Promise<void>((resolve) => holder.listen(taken, "127.0.0.1", resolve));
    try {
      const env = { REDIS_URL: stack.redis.url, MONGODB_URL: stack.mongodb.url };
      const [http, grpc] = await Promise.all([
        runToEnd(env, ["--port", String(taken)]),
        runToEnd(env, ["--port", "0", "--grpc-port", String(taken)]),
      ]);
      expectOneLine(http.stderr, http.stdout, String(taken), "with PORT");
      expect(http.code).to.equal(4);
      expectOneLine(grpc.stderr, grpc.stdout, String(taken), "GRPC_PORT");
      expect(grpc.code).to.equal(4);
      for (const { stdout } of [http, grpc]) expect(stdout, "nothing was served").not.to.include("draining");
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  });

  it("says all that is wrong with its configuration in one line, and leaves with code 2", async () => {
    const [wrong, flag] = await Promise.all([
      runToEnd({ REDIS_URL: "http://example.org", PORT: "70000", ROLES: "server,cook" }),
      runToEnd({}, ["--colour", "red"]),
    ]);
    expectOneLine(wrong.stderr, wrong.stdout, "REDIS_URL", "MONGODB_URL is required", "PORT", "ROLES");
    expect(wrong.code).to.equal(2);
    expectOneLine(flag.stderr, flag.stdout, "--colour", "--roles");
    expect(flag.code).to.equal(2);
  });
});

describe("A service whose stores are lost while claims run", () => {
  let stack: OwnStack;
  let services: Services;
  let urls: readonly string[];
  let servers: readonly Clients[];
  let db: Db;

  before(async () => {
    stack = await startOwnStack();
    services = createServices({
      ...stack.env,
      STORE_DEADLINE_MS: "500",
      COMMIT_DEADLINE_MS: "800",
      ISSUE_DEADLINE_MS: "1000",
      LEASE_MS: "1000",
      SWEEP_AFTER_MS: "500",
    });
    const started = await Promise.all([services.start(), services.start({ roles: "server" })]);
    urls = started.map(({ url }) => url);
    servers = urls.map((url) => connectClients(url));
    db = stack.mongo.db(OWN_DATABASE);
  });

  after(async () => {
    stack.redis.resume();
    stack.mongodb.resume();
    try {
      await services.end();
    } finally {
      await stack.close();
    }
  });

  type Seen = { uncertain: number; readonly acknowledged: Map<string, Held>; soldOut: number };

  /**
   * Asks with one key until the answer is definite, as the contract requires of callers, at one server after
   * the other.
   */
  async function definiteAnswer(
    campaignId: string,
    userId: string,
    firstServer: number,
    onUncertain: () => void,
  ): Promise<Answer> {
    let turn = firstServer;
    let answer: Answer | undefined;
    const definite = await until(
      async () => {
        const { coupons } = servers[turn++ % servers.length] as Clients;
        answer = await answerOf(() => coupons.issueCoupon({ campaignId, userId }));
        if (isUncertain(answer)) onUncertain();
        return !isUncertain(answer);
      },
      HANG_MS,
      20,
    );
    if (!definite || answer === undefined) throw new Error(`${userId} got no definite answer`);
    return answer;
  }

  function claimAll(campaignId: string, seen: Seen): Promise<unknown> {
    const users = Array.from({ length: USERS }, (_, i) => `${KEY_PREFIX}${i}`);
    return inParallel(users, AT_ONCE, async (userId, i) => {
      const answer = await definiteAnswer(campaignId, userId, i, () => seen.uncertain++);
      if (answer.kind === "coupon") seen.acknowledged.set(userId, answer.held);
      else {
        const { code, reason } = answer.refused;
        expect([code, reason], "a definite no").to.deep.equal([Code.FailedPrecondition, "SOLD_OUT"]);
        seen.soldOut++;
      }
    });
  }

  async function poolLoads(): Promise<number> {
    const loads = await Promise.all(
      urls.map((url) => metric(url, "coupon_pool_loads_total", 'outcome="loaded"')),
    );
    return loads.reduce((sum, count) => sum + count, 0);
  }

  /**
   * A sale during which `strike` damages a store; `heal` follows as soon as `hurt` returns true: the fault
   * had an effect.
   */
  async function saleThrough(fault: {
    strike: () => Promise<void> | void;
    hurt: (seen: Seen, loadsBefore: number) => Promise<boolean> | boolean;
    heal: () => Promise<void> | void;
  }): Promise<{ seen: Seen; rebuilds: number }> {
    const campaignId = await createOpenCampaign(servers[0] as Clients, { total: COUPONS });
    const loadsBefore = await poolLoads();
    const seen: Seen = { uncertain: 0, acknowledged: new Map(), soldOut: 0 };
    const claiming = claimAll(campaignId, seen);
    const middle = until(() => seen.acknowledged.size >= COUPONS / 5, HANG_MS, 1);
    expect(await Promise.race([middle, claiming.then(() => false)]), "struck in mid-sale").to.equal(true);
    await fault.strike();
    const struckAt = seen.acknowledged.size;
    expect(await until(() => fault.hurt(seen, loadsBefore), HANG_MS, 10), "the fault was felt").to.equal(
      true,
    );
    await fault.heal();
    await claiming;
    expect(struckAt, "acknowledged when the fault struck").to.be.lessThan(COUPONS);

    const books = await readBooksAtRest(stack.rawRedis, db, campaignId, COUPONS);
    expectRightBooks(books, COUPONS, seen.acknowledged);
    expect([seen.acknowledged.size, seen.soldOut]).to.deep.equal([COUPONS, USERS - COUPONS]);
    const rebuilds = (await poolLoads()) - loadsBefore;
    await expectSameAgain(campaignId, seen.acknowledged);
    return { seen, rebuilds };
  }

  /** Callers that ask again after the fault get the same coupon, from either server. */
  async function expectSameAgain(campaignId: string, acknowledged: ReadonlyMap<string, Held>): Promise<void> {
    await inParallel([...acknowledged], AT_ONCE, async ([userId, coupon], i) => {
      const again = await definiteAnswer(campaignId, userId, i, () => undefined);
      const told = again.kind === "coupon" ? again.held : [again.refused.reason, again.refused.message];
      expect(told, `asked again by ${userId}`).to.deep.equal(coupon);
    });
  }

  const unavailable = (seen: Seen) => seen.uncertain > 0;

  it("Redis killed and started again from its file", async () => {
    const { seen, rebuilds } = await saleThrough({
      strike: () => stack.redis.kill(),
      hurt: unavailable,
      heal: () => stack.redis.start(),
    });
    expect(seen.uncertain).to.be.greaterThan(0);
    expect(rebuilds, "pools rebuilt, because the process is another one").to.be.greaterThan(0);
  });

  it("Redis paused and resumed", async () => {
    const { seen } = await saleThrough({
      strike: () => stack.redis.pause(),
      hurt: unavailable,
      heal: () => stack.redis.resume(),
    });
    expect(seen.uncertain).to.be.greaterThan(0);
  });

  it("Redis emptied", async () => {
    const { rebuilds } = await saleThrough({
      strike: async () => void (await stack.rawRedis.flushAll()),
      hurt: async (_, loadsBefore) => (await poolLoads()) > loadsBefore,
      heal: () => undefined,
    });
    expect(rebuilds).to.be.greaterThan(0);
  });

  it("MongoDB killed and started again", async () => {
    const { seen } = await saleThrough({
      strike: () => stack.mongodb.kill(),
      hurt: unavailable,
      heal: () => stack.mongodb.start(),
    });
    expect(seen.uncertain).to.be.greaterThan(0);
  });

  it("MongoDB paused and resumed", async () => {
    const { seen } = await saleThrough({
      strike: () => stack.mongodb.pause(),
      hurt: unavailable,
      heal: () => stack.mongodb.resume(),
    });
    expect(seen.uncertain).to.be.greaterThan(0);
  });

  it("Redis emptied while MongoDB is silent: claims in flight lose their ledger, nobody loses a coupon", async () => {
    const { seen, rebuilds } = await saleThrough({
      strike: () => stack.mongodb.pause(),
      hurt: unavailable,
      heal: async () => {
        await stack.rawRedis.flushAll();
        stack.mongodb.resume();
      },
    });
    expect(seen.uncertain).to.be.greaterThan(0);
    expect(rebuilds).to.be.greaterThan(0);
  });
});
