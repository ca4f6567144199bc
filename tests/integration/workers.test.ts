import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import type { Db } from "mongodb";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { operatorKeyLine } from "../../runtime/operator-settings.ts";
import { type Answer, answerOf, type Held, isUncertain } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients, grpcClients } from "../support/clients.ts";
import { inParallel } from "../support/in-parallel.ts";
import { metric, readMetrics } from "../support/metrics-page.ts";
import { OWN_DATABASE, type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { connectionsHeldBy } from "../support/sockets-of.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const AT_ONCE = 32;
/** How many services start at the same time: more would compete for the processors. */
const STARTS_AT_ONCE = 2;
/** So many connections that chance cannot give them all to one worker. */
const CONNECTIONS_MAX = 200;
/** The number of claims that are answered before the pause. */
const KNOWN = 4;
/** Long deadlines: stores are paused on purpose, and no call may time out meanwhile. */
const PATIENT = {
  STORE_DEADLINE_MS: "30000",
  COMMIT_DEADLINE_MS: "30000",
  ISSUE_DEADLINE_MS: "30000",
  DRAIN_DEADLINE_MS: "30000",
};
const user = (i: number) => `${KEY_PREFIX}${i}`;

type Line = { msg: string; pid: number; number?: number; worker?: number; workerPid?: number };

/** The status of a GET, or of a POST if there is a body, on a connection of that agent. */
function statusOf(url: URL, agent: Agent, body?: object): Promise<number | undefined> {
  const method = body === undefined ? "GET" : "POST";
  const headers = { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    request(url, { agent, method, headers }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    })
      .once("error", reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The state of a process, one letter; empty: there is no such process. Source: proc(5), stat. */
function stateOf(pid: number): string {
  if (!existsSync(`/proc/${pid}/stat`)) return "";
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.charAt(stat.lastIndexOf(")") + 2);
}

/** The answers, wrapped in an object, so that `await` on the sending does not await them. */
type Answering = { readonly answers: Promise<readonly Answer[]> };

function acknowledgedBy(answers: readonly Answer[]): Map<string, Held> {
  return new Map(answers.flatMap((answer, i) => (answer.kind === "coupon" ? [[user(i), answer.held]] : [])));
}

describe("Several workers", () => {
  let stack: OwnStack;
  let services: Services;
  let db: Db;

  before(async () => {
    stack = await startOwnStack();
    db = stack.mongo.db(OWN_DATABASE);
  });
  beforeEach(() => {
    services = createServices({ ...stack.env, WORKERS: "2", SWEEP_AFTER_MS: "300" });
  });
  afterEach(async () => {
    if (stack.redis.isRunning) stack.redis.resume();
    stack.mongodb.resume();
    await services.end();
  });
  after(() => stack.close());

  async function untilTrue(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    expect(await until(condition, HANG_MS, 10), what).to.equal(true);
  }

  const linesOf = ({ process }: Service): Line[] =>
    process.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);

  /** The process id of the worker that has this slot now. */
  function workerPid(service: Service, number: number): number {
    const line = linesOf(service).findLast((one) => one.msg === "a worker listens" && one.number === number);
    if (line?.workerPid === undefined) throw new Error(`worker ${number} has never listened`);
    return line.workerPid;
  }

  /** Whether the process has ended; its parent may not have read its exit status yet (a zombie). */
  function isGone(pid: number): boolean {
    return ["", "Z"].includes(stateOf(pid));
  }

  const workersGone = (pids: readonly number[]) =>
    untilTrue("the workers are gone", () => pids.every(isGone));

  /** Suspends a worker, so that the other one gets all new connections. */
  async function stopWorker(pid: number): Promise<void> {
    process.kill(pid, "SIGSTOP");
    await untilTrue("the worker is stopped", () => stateOf(pid) === "T");
  }

  /** Lets both workers cache the campaign: they then need MongoDB only for the commit of a claim. */
  async function bothKnow(service: Service, campaignId: string): Promise<void> {
    const url = new URL("/coupon.v1.CouponService/IssueCoupon", service.url);
    for (const number of [1, 2]) {
      const pid = workerPid(service, number);
      await stopWorker(pid);
      expect(await statusOf(url, new Agent(), { campaignId, userId: user(0) })).to.equal(200);
      process.kill(pid, "SIGCONT");
    }
  }

  /**
   * Pauses MongoDB and sends claims until `count` coupons are taken, on their own connections. Resolves when
   * Redis has decided all claims; the answers come later.
   */
  async function claimIntoThePause(service: Service, campaignId: string, count: number): Promise<Answering> {
    const { coupons } = connectClients(service.url);
    const ask = (i: number) => answerOf(() => coupons.issueCoupon({ campaignId, userId: user(i) }));
    const depth = () => stack.rawRedis.xLen(campaignKeys(campaignId).ledger);
    const known = await Promise.all(Array.from({ length: KNOWN }, (_, i) => ask(i)));
    await bothKnow(service, campaignId);
    await untilTrue("the ledger is empty before the pause", async () => (await depth()) === 0);
    stack.mongodb.pause();
    const answering = Promise.all(Array.from({ length: count - KNOWN }, (_, i) => ask(KNOWN + i)));
    await untilTrue("Redis has decided all claims", async () => (await depth()) === count - KNOWN);
    return { answers: answering.then((answers) => [...known, ...answers]) };
  }

  /** Asks until the answer is definite, as a caller does. */
  async function insist(ask: () => Promise<Answer>): Promise<Answer> {
    let answer = await ask();
    // A broken connection has no reason; the outcome is as unknown as after UNCERTAIN.
    const open = (one: Answer) =>
      isUncertain(one) || (one.kind === "refused" && one.refused.reason === "UNSPECIFIED");
    for (let tries = 0; tries < 500 && open(answer); tries++) answer = await ask();
    return answer;
  }

  it("share both ports: each of them takes connections on each", async () => {
    const service = await services.start();
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    expect(new Set([...pids, service.process.pid]).size, "processes").to.equal(3);
    const held = (url: string) => pids.map((pid) => connectionsHeldBy(pid, Number(new URL(url).port)));
    // The kernel gives each connection to the worker that wakes first: neither is sure to get one, but soon
    // both have some.
    const agents: Agent[] = [];
    while (agents.length < CONNECTIONS_MAX && held(service.url).includes(0)) {
      // One agent for each connection, so that none is reused.
      const agent = new Agent({ keepAlive: true });
      agents.push(agent);
      expect(await statusOf(new URL("/readyz", service.url), agent)).to.equal(200);
    }
    expect(held(service.url), "HTTP connections of each worker").not.to.include(0);
    expect(held(service.url).reduce((sum, count) => sum + count)).to.equal(agents.length);
    for (const agent of agents) agent.destroy();

    const sessions: ReturnType<typeof grpcClients>[] = [];
    while (sessions.length < CONNECTIONS_MAX && held(service.grpcUrl).includes(0)) {
      const session = grpcClients(service.grpcUrl);
      sessions.push(session);
      await session.campaigns.listCampaigns({});
    }
    expect(held(service.grpcUrl), "gRPC connections of each worker").not.to.include(0);
    for (const session of sessions) session.close();
  });

  it("say once that they are ready, and tell in each line which of them writes", async () => {
    const service = await services.start();
    await createOpenCampaign(connectClients(service.url), { total: 1 });
    const lines = linesOf(service);
    const ready = lines.filter(({ msg }) => msg.startsWith("ready"));
    expect(ready).to.have.length(1);
    expect(ready[0]).to.deep.include({ pid: service.process.pid, workers: 2 });
    const listening = lines.findLastIndex(({ msg }) => msg === "a worker listens");
    expect(lines.findIndex(({ msg }) => msg.startsWith("ready"))).to.be.greaterThan(listening);
    const written = lines.filter(({ worker }) => worker !== undefined);
    expect(written.length).to.be.greaterThan(0);
    for (const { worker, pid } of written) expect(pid).to.equal(workerPid(service, worker ?? 0));
    // The first worker made the codes and opened the campaign: the second does not have these roles.
    const making = written.filter(({ msg }) => /loaded|opened|codes/.test(msg));
    expect(making.length).to.be.greaterThan(0);
    expect(new Set(making.map(({ worker }) => worker))).to.deep.equal(new Set([1]));
    // The heartbeats that operators see name the workers, too.
    const present = [1, 2].map((number) => ({ pid: workerPid(service, number), worker: number }));
    await untilTrue("both are known as present", async () => {
      const known = await db.collection("processes").countDocuments({ $or: present });
      return known === present.length;
    });
  });

  it("sell exactly N under concurrency, and each page of metrics is that of both", async () => {
    const [total, claimants] = [300, 1_200];
    const service = await services.start();
    const clients = connectClients(service.url, { json: true });
    const campaignId = await createOpenCampaign(clients, { total });
    const winners = new Map<string, Held>();
    await inParallel(
      Array.from({ length: claimants }, (_, i) => user(i)),
      AT_ONCE,
      async (userId) => {
        const ask = () => answerOf(() => clients.coupons.issueCoupon({ campaignId, userId }));
        const answers = [...(await Promise.all([ask(), ask()])), await ask()];
        const told = answers.map((answer) =>
          answer.kind === "coupon" ? answer.held : answer.refused.reason,
        );
        for (const one of told) expect(one, userId).to.deep.equal(told[0]);
        const [first] = answers;
        if (first?.kind === "coupon") winners.set(userId, first.held);
        else expect(told[0]).to.equal("SOLD_OUT");
      },
    );
    expect(winners.size).to.equal(total);
    expectRightBooks(await readBooksAtRest(stack.rawRedis, db, campaignId, total), total, winners);

    for (let scrape = 0; scrape < 6; scrape++) {
      // A new connection each time, so that both workers are asked.
      const response = await fetch(new URL("/metrics", service.url), { headers: { connection: "close" } });
      const page = await response.text();
      expect(response.headers.get("content-type")).to.match(/^text\/plain; version=0\.0\.4/);
      const value = (series: string) => Number(page.split(`\n${series} `)[1]?.split("\n")[0] ?? Number.NaN);
      const outcomes = ["issued", "replayed", "sold_out"].map((outcome) =>
        value(`coupon_claims_total{outcome="${outcome}"}`),
      );
      expect(outcomes).to.deep.equal([total, total * 2, (claimants - total) * 3]);
      // Both workers commit a claim that both got at once; MongoDB decides which insert succeeds.
      expect(value("coupon_commit_batch_size_sum"), "issuances").to.be.at.least(total);
      expect([value("coupon_workers"), value("coupon_worker_deaths_total")]).to.deep.equal([2, 0]);
      expect(value("coupon_queue_limit")).to.equal(40_000);
      for (const breaker of ["commits", "reads", "pools"])
        expect(value(`coupon_breaker_open{breaker="${breaker}"}`), breaker).to.equal(0);
    }
  });

  for (const number of [1, 2]) {
    it(`worker ${number} killed under load is replaced; nothing is lost, and no counter falls back`, async () => {
      const total = 600;
      const service = await services.start();
      const clients = connectClients(service.url);
      const campaignId = await createOpenCampaign(clients, { total });
      const acknowledged = new Map<string, Held>();
      let broken = 0;
      let killed: { readonly pid: number; readonly counted: number } | undefined;
      const kill = async () => {
        const counted = await metric(service.url, "coupon_claims_total");
        const pid = workerPid(service, number);
        process.kill(pid, "SIGKILL");
        killed = { pid, counted };
      };
      let killing: Promise<void> | undefined;
      await inParallel(
        Array.from({ length: total }, (_, i) => user(i)),
        AT_ONCE,
        async (userId) => {
          const answer = await insist(async () => {
            const one = await answerOf(() => clients.coupons.issueCoupon({ campaignId, userId }));
            if (one.kind === "refused") broken++;
            return one;
          });
          if (answer.kind === "coupon") acknowledged.set(userId, answer.held);
          if (acknowledged.size > total / 4) killing ??= kill();
        },
      );
      await killing;
      if (killed === undefined) throw new Error("nobody was killed");
      const { pid, counted } = killed;
      expect(broken, "requests that the killed worker took along").to.be.greaterThan(0);
      expect(acknowledged.size).to.equal(total);
      expectRightBooks(await readBooksAtRest(stack.rawRedis, db, campaignId, total), total, acknowledged);

      await untilTrue("another has its place", () => workerPid(service, number) !== pid);
      expect(isGone(pid)).to.equal(true);
      const page = await readMetrics(service.url);
      expect([page.get("coupon_workers"), page.get("coupon_worker_deaths_total")]).to.deep.equal([2, 1]);
      expect(await metric(service.url, "coupon_claims_total")).to.be.at.least(counted);
      const death = linesOf(service).find(({ msg }) => msg.includes("has ended"));
      expect(death).to.deep.include({ number, workerPid: pid, signal: "SIGKILL", level: "error" });
      // The worker in the first slot makes the codes.
      await createOpenCampaign(clients, { total: 1 });
    });
  }

  it("killed again and again, none leaves a caller without any answer", async () => {
    const service = await services.start();
    const url = new URL("/healthz", service.url);
    for (let round = 0; round < 3; round++) {
      const number = (round % 2) + 1;
      const victim = workerPid(service, number);
      let asking = 0;
      let replaced = false;
      const callers = Array.from({ length: AT_ONCE }, async () => {
        while (!replaced) {
          asking++;
          // A new connection for each request, so that at any moment some are being accepted.
          await statusOf(url, new Agent()).catch(() => undefined);
          asking--;
        }
      });
      process.kill(victim, "SIGKILL");
      await untilTrue("another has its place", () => workerPid(service, number) !== victim);
      replaced = true;
      await untilTrue("every caller has been answered or cut off", () => asking === 0);
      await Promise.all(callers);
    }
  });

  it("all killed at once come back on the same ports", async () => {
    const service = await services.start();
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await untilTrue("both are replaced", () =>
      [1, 2].every((number) => !pids.includes(workerPid(service, number))),
    );
    expect((await fetch(new URL("/readyz", service.url))).status).to.equal(200);
    const grpc = grpcClients(service.grpcUrl);
    await grpc.campaigns.listCampaigns({});
    grpc.close();
  });

  it("by SIGTERM answer every claim that they have taken, then leave with code 0", async () => {
    const total = 24;
    const service = await services.start({ env: PATIENT });
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    const clients = connectClients(service.url);
    const campaignId = await createOpenCampaign(clients, { total });
    const { answers } = await claimIntoThePause(service, campaignId, total);
    const ended = service.process.stop();
    const draining = () =>
      new Set(linesOf(service).flatMap(({ msg, pid }) => (msg.startsWith("draining") ? [pid] : [])));
    await untilTrue("both workers drain", () => draining().size === 2);
    await untilTrue("the doors are closed to new callers", () =>
      fetch(new URL("/readyz", service.url), { headers: { connection: "close" } }).then(
        () => false,
        () => true,
      ),
    );
    expect(pids.map(isGone)).to.deep.equal([false, false]);
    stack.mongodb.resume();
    const acknowledged = acknowledgedBy(await answers);
    expect(await ended).to.equal(0);
    expect(acknowledged.size).to.equal(total);
    expectRightBooks(await readBooksAtRest(stack.rawRedis, db, campaignId, total), total, acknowledged);
    await workersGone(pids);
  });

  it("by SIGTERM to one alone: it drains, is replaced, and no caller hears a no", async () => {
    const service = await services.start();
    const pid = workerPid(service, 2);
    process.kill(pid, "SIGTERM");
    await untilTrue("another has its place", () => workerPid(service, 2) !== pid);
    expect(linesOf(service).find(({ msg }) => msg.includes("has ended"))).to.deep.include({ exitCode: 0 });
    expect((await fetch(new URL("/readyz", service.url))).status).to.equal(200);
  });

  it("one that hangs takes no connection, and holds up a page of metrics for a second", async () => {
    const service = await services.start();
    const hung = workerPid(service, 2);
    await stopWorker(hung);
    for (let i = 0; i < 10; i++) {
      expect(await statusOf(new URL("/readyz", service.url), new Agent())).to.equal(200);
    }
    const page = await readMetrics(service.url);
    expect(page.get("coupon_workers"), "it is alive").to.equal(2);
    process.kill(hung, "SIGCONT");
  });

  it("one that cannot end in time makes the exit code 5", async () => {
    const total = 8;
    const service = await services.start({ env: { ...PATIENT, DRAIN_DEADLINE_MS: "300" } });
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    const campaignId = await createOpenCampaign(connectClients(service.url), { total });
    const { answers } = await claimIntoThePause(service, campaignId, total);
    expect(await service.process.stop()).to.equal(5);
    await workersGone(pids);
    stack.mongodb.resume();
    await answers;
  });

  it("one that does not even hear that it is to end is killed, and the exit code is 5", async () => {
    const service = await services.start({ env: { DRAIN_DEADLINE_MS: "300" } });
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    await stopWorker(pids[1] ?? 0);
    expect(await service.process.stop()).to.equal(5);
    await workersGone(pids);
  });

  it("a second signal cuts them all", async () => {
    const total = 8;
    const service = await services.start({ env: PATIENT });
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    const campaignId = await createOpenCampaign(connectClients(service.url), { total });
    const { answers } = await claimIntoThePause(service, campaignId, total);
    // Signals that come close together count as one, so the signal is sent until the process ends.
    await untilTrue("it has ended", () => {
      if (service.process.isRunning) process.kill(service.process.pid, "SIGTERM");
      return !service.process.isRunning;
    });
    expect(await service.process.exited).to.deep.equal({ code: 5, signal: null });
    await workersGone(pids);
    expect(acknowledgedBy(await answers).size, "answered although cut").to.equal(KNOWN);
  });

  it("the primary killed: they answer what they have taken, and are gone", async () => {
    const total = 24;
    const service = await services.start({ env: PATIENT });
    const pids = [workerPid(service, 1), workerPid(service, 2)];
    const campaignId = await createOpenCampaign(connectClients(service.url), { total });
    const { answers } = await claimIntoThePause(service, campaignId, total);
    process.kill(service.process.pid, "SIGKILL");
    const alone = () => linesOf(service).filter(({ msg }) => msg.startsWith("the primary process is gone"));
    await untilTrue("both have noticed", () => alone().length === 2);
    expect(
      alone()
        .map(({ worker }) => worker)
        .sort(),
    ).to.deep.equal([1, 2]);
    expect(pids.map(isGone), "gone before they answered").to.deep.equal([false, false]);
    stack.mongodb.resume();
    const acknowledged = acknowledgedBy(await answers);
    expect(acknowledged.size).to.equal(total);
    await workersGone(pids);
    expectRightBooks(await readBooksAtRest(stack.rawRedis, db, campaignId, total), total, acknowledged);
  });

  it("one that keeps dying at its start ends the group with its exit code and one line", async () => {
    const holder = await startOwnStack();
    try {
      const service = await services.start({ env: { ...holder.env, START_DEADLINE_MS: "2500" } });
      const pids = [workerPid(service, 1), workerPid(service, 2)];
      await holder.redis.kill();
      process.kill(pids[1] ?? 0, "SIGKILL");
      expect((await service.process.exited).code).to.equal(3);
      await service.process.waitForLine((line) => line.startsWith("coupon: "), HANG_MS);
      const told = service.process.lines.filter((line) => line.startsWith("coupon: "));
      expect(told).to.have.length(1);
      expect(told[0]).to.include("REDIS_URL");
      const waits = linesOf(service).flatMap((line) => ("againInMs" in line ? [line.againInMs] : []));
      expect(waits).to.deep.equal([100, 200, 400, 800]);
      await workersGone(pids);
    } finally {
      await holder.close();
    }
  });

  it("a file of a setting that is damaged meanwhile ends no worker; once it is whole, the next one takes its place", async () => {
    const dir = temporaryDir();
    try {
      const [file, key] = [join(dir.path, "keys"), "an-operator-key-of-the-test-of-workers"];
      const whole = `${operatorKeyLine("kim", "admin", key)}\n`;
      writeFileSync(file, whole);
      const service = await services.start({ env: { OPERATOR_TOKEN: "", OPERATOR_KEYS_FILE: file } });
      const pid = workerPid(service, 2);
      // As if somebody were writing it.
      writeFileSync(file, whole.slice(0, -10));
      process.kill(pid, "SIGKILL");
      const told = () => service.process.lines.filter((line) => line.includes("another takes its slot"));
      // One by the signal, and more than would end the group otherwise.
      expect(await until(() => told().length > 5 || !service.process.isRunning, HANG_MS, 50)).to.equal(true);
      expect(service.process.isRunning).to.equal(true);
      expect(told().at(-1)).to.include("OPERATOR_KEYS").and.not.include(whole.slice(0, 40));
      const list = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
      const answer = (bearer: string) =>
        fetch(`${service.url}/coupon.v1.CampaignService/ListCampaigns`, {
          ...list,
          headers: { ...list.headers, authorization: `Bearer ${bearer}` },
        });
      expect((await answer(key)).status, "of the worker that is left").to.equal(200);
      expect((await answer(key.slice(0, -1))).status).to.equal(401);
      writeFileSync(file, whole);
      expect(await until(() => workerPid(service, 2) !== pid, HANG_MS, 50)).to.equal(true);
    } finally {
      dir.remove();
    }
  });

  it("what is wrong at the start is said once, with the exit code that one process has", async () => {
    const taken = await freePort();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(taken, "127.0.0.1", resolve));
    const absent = await freePort();
    const env = { ...stack.env, WORKERS: "2", PORT: "0", START_DEADLINE_MS: "4000" };
    try {
      const starts: readonly (readonly [Record<string, string>, readonly string[]])[] = [
        [{}, ["--workers", "0"]],
        [{ WORKERS: "65" }, []],
        [{}, ["--roles", "scheduler"]],
        [{}, ["--port", String(taken)]],
        [{}, ["--grpc-port", String(taken)]],
        [{ REDIS_URL: `redis://127.0.0.1:${absent}` }, []],
        [{ MONGODB_URL: `mongodb://127.0.0.1:${absent}` }, []],
      ];
      const ends = await inParallel(starts, STARTS_AT_ONCE, ([more, args]) =>
        runToEnd({ ...env, ...more }, args),
      );
      const words = ["WORKERS", "WORKERS", "ROLES", "PORT", "GRPC_PORT", "REDIS_URL", "MONGODB_URL"];
      expect(ends.map(({ code }) => code)).to.deep.equal([2, 2, 2, 4, 4, 3, 3]);
      for (const [i, { stdout, stderr }] of ends.entries()) {
        expect(stderr, "one line").to.match(/^coupon: .+\n$/);
        expect(stderr).to.include(words[i]);
        expect(stdout).to.equal("");
      }
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  });

  describe("another program takes the free port that the service chose", () => {
    const NODE_OPTIONS = `--import=${new URL("../support/port-thief.mjs", import.meta.url).href}`;

    it("it chooses another one", async () => {
      const { process: service, url } = await services.start({ env: { NODE_OPTIONS, PORT_THEFTS: "3" } });
      const stolen = service.lines.filter((line) => line.startsWith("stolen ")).map((line) => line.slice(7));
      expect(stolen.length, "ports taken").to.equal(3);
      expect(stolen).not.to.include(new URL(url).port);
      expect((await fetch(new URL("/healthz", url))).status).to.equal(200);
    });

    it("each time: the start ends with exit code 4", async () => {
      const env = {
        ...stack.env,
        WORKERS: "2",
        PORT: "0",
        GRPC_PORT: "off",
        NODE_OPTIONS,
        PORT_THEFTS: "99",
      };
      const { code, stdout, stderr } = await runToEnd(env, []);
      expect([code, stderr.trimEnd().split("\n").length]).to.deep.equal([4, 1]);
      expect(stderr).to.match(/^coupon: port \d+ on 127\.0\.0\.1 is taken by another process/);
      expect(stdout.split("\n").filter((line) => line.startsWith("stolen ")).length).to.equal(5);
    });
  });

  it("--help tells the command that it belongs to, and every flag; an unknown one is refused", async () => {
    for (const [entry, command] of [
      ["local/start.ts", "npm start --"],
      [undefined, "npm run start:production --"],
    ] as const) {
      const { code, stdout, stderr } = await runToEnd({}, ["--help"], entry);
      expect([code, stderr]).to.deep.equal([0, ""]);
      expect(stdout).to.match(new RegExp(`^usage: ${command} \\[flags\\]\n`));
      for (const flag of [
        "--roles",
        "--host",
        "--port",
        "--grpc-port",
        "--operators-port",
        "--operators-grpc-port",
        "--health-port",
        "--workers",
        "--help",
      ]) {
        expect(stdout).to.match(new RegExp(`\\n  ${flag}[ \\n]`));
      }
    }
    const wrong = await runToEnd({}, ["--worker", "2"]);
    expect([wrong.code, wrong.stdout]).to.deep.equal([2, ""]);
    expect(wrong.stderr).to.match(/^coupon: .*--worker.*--workers.*\n$/);
  });

  it("one alone is one process, and no cluster", async () => {
    const service = await services.start({ env: { WORKERS: "1" } });
    const { pid } = service.process;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    expect(children).to.equal("");
    const lines = linesOf(service);
    expect(lines.filter((line) => "worker" in line || "workers" in line || line.pid !== pid)).to.deep.equal(
      [],
    );
    expect((await readMetrics(service.url)).has("coupon_workers")).to.equal(false);
  });
});
