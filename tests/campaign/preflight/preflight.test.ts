import { expect } from "chai";
import { ask } from "../../../campaign/preflight/asked.ts";
import { judge } from "../../../campaign/preflight/judge.ts";
import { worstOf } from "../../../campaign/preflight/line.ts";
import { createPreflight, type Preflight, type Report } from "../../../campaign/preflight/preflight.ts";
import { createRestore } from "../../../campaign/restore.ts";
import { campaignKeys } from "../../../pool/keys.ts";
import { createPool } from "../../../pool/pool.ts";
import type { Redis } from "../../../pool/redis.ts";
import { createRedisClock } from "../../../pool/redis-clock.ts";
import { createRedisProbe } from "../../../pool/redis-facts.ts";
import type { CampaignDoc, ProcessBeat } from "../../../record/documents.ts";
import { createMongoFacts } from "../../../record/mongo-facts.ts";
import { createProcesses } from "../../../record/processes.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { madeCampaign, type Records, recordsOf } from "../../support/made-campaign.ts";
import { type OwnRedis, ownRedis } from "../../support/own-redis.ts";
import { allGreen } from "../../support/preflight-facts.ts";
import { openRawRedis } from "../../support/raw-redis.ts";
import { startSentinelGroup } from "../../support/redis-group.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";

const HOUR_MS = 3_600_000;

const beat: ProcessBeat = {
  host: "a",
  pid: 1,
  roles: ["server", "scheduler", "generator"],
  version: "1.0.0",
  startedAt: new Date(),
  redisClock: { offsetMs: 0, uncertaintyMs: 1 },
  alarms: {},
  campaigns: [],
};

describe("preflight on real stores", () => {
  const stores = withStores("each");
  let own: OwnRedis;
  let records: Records;
  let preflight: Preflight;
  let lookAt: (redis: Redis) => Preflight;
  let campaign: CampaignDoc;

  before(async () => {
    own = await ownRedis();
  });
  after(() => own.close());
  beforeEach(async () => {
    records = recordsOf(stores.db);
    const processes = createProcesses(stores.db);
    lookAt = (redis) =>
      createPreflight({
        ...records,
        processes,
        pool: own.pool,
        redisProbe: createRedisProbe(redis, 10_000),
        redisClock: createRedisClock(own.redis, systemClock, 10_000),
        mongoFacts: createMongoFacts(stores.db),
        clock: systemClock,
      });
    preflight = lookAt(own.redis);
    for (const owner of ["one", "two"]) await processes.beat(owner, beat, 500);
    campaign = await scheduled();
  });
  afterEach(async () => {
    // Also after a test that failed in the middle: the next test begins with a healthy Redis.
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "+config", "+info"]);
    await own.raw.configSet({ appendonly: "yes", appendfsync: "always" });
    await own.raw.configSet({ maxmemory: "0", "maxmemory-policy": "noeviction" });
  });

  async function scheduled(): Promise<CampaignDoc> {
    const made = await madeCampaign(records, { startsAt: new Date(Date.now() + HOUR_MS) });
    const deps = { ...records, pool: own.pool, clock: systemClock, owner: "test", leaseMs: 10_000 };
    await createRestore({ ...deps, metrics: createMetrics(), logger: silentLogger })(made.campaign._id);
    return made.campaign;
  }
  async function look(id = campaign._id): Promise<Report> {
    const report = await preflight(id);
    if (report === null) throw new Error("no such campaign");
    return report;
  }
  /** The MongoDB of the tests has a single member, which is amber. */
  const ALONE = "mongodb-members";
  /** Its colour depends on how busy this machine is: the load limits how exactly clocks are measured. */
  const CLOCKS = "clocks";
  /** So does the time that a write takes, which is amber at most; a MongoDB that takes no write is red. */
  const isSlowness = ({ check, colour }: Report["lines"][number]) =>
    check === CLOCKS || (colour === "amber" && /^(mongodb|redis)-write$/.test(check));
  const lookedAt = ({ lines }: Report) => lines.filter((line) => line.check !== ALONE && !isSlowness(line));
  const notGreen = (report: Report) =>
    lookedAt(report).flatMap(({ check, colour }) => (colour === "green" ? [] : [`${colour} ${check}`]));
  const worst = (report: Report) => worstOf(lookedAt(report));
  const finding = ({ lines }: Report, wanted: string) => lines.find(({ check }) => check === wanted)?.finding;

  it("a Redis without its file is amber, since nothing acknowledged rests on it, and green after CONFIG SET", async () => {
    await own.raw.configSet("appendonly", "no");
    const without = await look();
    expect([without.colour, notGreen(without)]).to.deep.equal(["amber", ["amber redis-durability"]]);
    await own.raw.configSet("appendonly", "yes");
    await own.raw.configSet("appendfsync", "everysec");
    expect(notGreen(await look())).to.deep.equal(["amber redis-durability"]);
    await own.raw.configSet("appendfsync", "always");
    const mended = await look();
    expect([worst(mended), notGreen(mended)]).to.deep.equal(["green", []]);
  });

  it("a MongoDB by itself is amber, however well it is", async () => {
    const report = await look();
    expect(report.colour).to.equal("amber");
    expect(finding(report, CLOCKS)).to.match(/ms/);
    expect(finding(report, ALONE)).to.match(/^one server, no replica set/);
  });

  it("leaves nothing behind in the campaign's slot", async () => {
    const keys = async () => (await own.raw.keys(`cp:{${campaign._id}}:*`)).sort();
    const before = await keys();
    await look();
    expect(await keys()).to.deep.equal(before);
  });

  it("a Redis that evicts is red, one without room too, and both again green", async () => {
    await own.raw.configSet("maxmemory-policy", "allkeys-lru");
    expect(notGreen(await look())).to.deep.equal(["red redis-eviction"]);
    await own.raw.configSet("maxmemory-policy", "noeviction");
    await own.raw.configSet("maxmemory", "1");
    expect(notGreen(await look())).to.deep.equal(["red redis-write", "red redis-memory"]);
    await own.raw.configSet("maxmemory", "0");
    await own.raw.configSet("maxmemory-policy", "volatile-lru");
    expect(notGreen(await look())).to.deep.equal(["amber redis-eviction"]);
    await own.raw.configSet("maxmemory-policy", "noeviction");
    expect(notGreen(await look())).to.deep.equal([]);
  });

  it("a Redis that may not be asked for its settings is amber", async () => {
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "-config"]);
    const report = await look();
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "+config"]);
    expect(notGreen(report)).to.deep.equal(["amber redis-durability"]);
    expect(finding(report, "redis-durability")).to.match(
      /appendonly yes; appendfsync cannot be read: NOPERM/,
    );
  });

  it("… and one without its file is told what its provider has, not CONFIG SET", async () => {
    await own.raw.configSet("appendonly", "no");
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "-config"]);
    const report = await look();
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "+config"]);
    await own.raw.configSet("appendonly", "yes");
    expect(notGreen(report)).to.deep.equal(["amber redis-durability"]);
    const advice = report.lines.find(({ check }) => check === "redis-durability")?.advice;
    expect(advice).to.match(/CONFIG is not allowed here: set appendonly yes where its provider/);
  });

  it("an INFO without the fields that a managed Redis hides is amber where they count, and never red", async () => {
    const hidden = /^(role|aof_enabled|maxmemory_policy|maxmemory|used_memory|total_system_memory):.*\r?\n/gm;
    const command: Redis["command"] = async (key, args) => {
      const reply = await own.redis.command(key, args);
      return args[0] === "INFO" ? String(reply).replace(hidden, "") : reply;
    };
    const report = await lookAt({ ...own.redis, command })(campaign._id);
    expect(report && notGreen(report)).to.deep.equal([
      "amber redis-durability",
      "amber redis-eviction",
      "amber redis-role",
      "amber redis-memory",
    ]);
  });

  it("a Redis user without INFO is told which right is missing", async () => {
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "-info"]);
    const report = await look();
    await own.raw.sendCommand(["ACL", "SETUSER", "default", "+info"]);
    const role = report.lines.find(({ check }) => check === "redis-role");
    expect([role?.colour, role?.finding, role?.advice].join(" ")).to.match(
      /^red .*NOPERM.*info.*ACL SETUSER/,
    );
  });

  it("a Sentinel is red, and none of its Redis lines are green", async () => {
    const group = await startSentinelGroup();
    try {
      const raw = await openRawRedis(group.sentinels[0]?.url ?? "");
      const redis = { command: (_: string, args: readonly string[]) => raw.sendCommand([...args]) } as Redis;
      const probe = createRedisProbe(redis, 10_000);
      const info = { ok: true, value: await probe.info(campaign._id) } as const;
      const appendfsync = await ask(probe.config(campaign._id, "appendfsync"), 10_000, "Redis");
      raw.destroy();
      const lines = judge({ ...allGreen, redis: { ...allGreen.redis, info, appendfsync } });
      const told = lines.filter(({ check, colour }) => check.startsWith("redis-") && colour === "green");
      // The facts for these two lines did not come from the Sentinel.
      expect(told.map(({ check }) => check)).to.deep.equal(["redis-slot", "redis-write"]);
      expect(lines.find(({ check }) => check === "redis-role")?.finding).to.match(/^a Sentinel of version/);
    } finally {
      await group.close();
    }
  });

  it("a pool that misses a code is red", async () => {
    await own.raw.lPop(campaignKeys(campaign._id).staged);
    const report = await look();
    expect(notGreen(report)).to.deep.equal(["red pool"]);
    expect(finding(report, "pool")).to.match(/^1 code is missing: 9 codes in the pool/);
  });

  it("a pool of another Redis, of an old generation, and none at all are red", async () => {
    const { meta } = campaignKeys(campaign._id);
    await records.campaigns.takeLease(campaign._id, "somebody", 1, true);
    expect(notGreen(await look())).to.deep.equal(["amber generation"]);
    await own.raw.hSet(meta, "token", "another");
    expect(notGreen(await look())).to.deep.equal(["red pool", "red fence", "red generation"]);
    await own.raw.unlink(meta);
    expect(notGreen(await look())).to.deep.equal(["red pool", "red fence", "red generation"]);
  });

  it("an entry in the ledger before the start is red", async () => {
    await own.raw.xAdd(campaignKeys(campaign._id).ledger, "1-1", { k: "a", c: "b", t: "1" });
    expect(notGreen(await look())).to.deep.include("red ledger");
  });

  it("without a scheduler it is amber and says that it opens all the same; without anybody it is red", async () => {
    const processes = createProcesses(stores.db);
    for (const owner of ["one", "two"])
      await processes.beat(owner, { ...beat, roles: ["server", "generator"] });
    const alone = await look();
    expect([worst(alone), notGreen(alone)]).to.deep.equal(["amber", ["amber schedulers"]]);
    expect(finding(alone, "schedulers")).to.match(/opens all the same, on the first claim/);
    for (const owner of ["one", "two"]) await processes.leave(owner);
    expect(notGreen(await look())).to.deep.equal(["red servers", "amber schedulers"]);
  });

  it("while the codes are made it says how far they are, and by when they should be", async () => {
    const { campaign: making } = await madeCampaign(records, {
      state: "GENERATING",
      generated: 4,
      startsAt: new Date(Date.now() + HOUR_MS),
    });
    const report = await look(making._id);
    expect(notGreen(report)).to.deep.equal(["amber codes", "amber pool", "amber fence", "amber generation"]);
    expect(finding(report, "codes")).to.match(/^4 of 10 codes are made/);
  });

  it("stores that do not answer are findings, each told apart", async () => {
    const away = () => Promise.reject(new Error("away"));
    const blind = createPreflight({
      campaigns: records.campaigns,
      issuances: { count: away },
      processes: { seen: away },
      pool: createPool(own.redis, 10_000),
      redisProbe: { sentinels: () => undefined, info: away, config: away, slot: away, write: away },
      redisClock: away,
      mongoFacts: { write: away, nowMs: away, deployment: away },
      clock: systemClock,
    });
    const report = await blind(campaign._id);
    expect(report?.colour).to.equal("red");
    const red = report?.lines.filter(({ colour }) => colour === "red").map(({ check }) => check);
    expect(red).to.deep.equal([
      "pool",
      "redis-durability",
      "redis-eviction",
      "redis-role",
      "redis-write",
      "redis-memory",
      "mongodb-write",
      "servers",
      "schedulers",
      "clocks",
    ]);
  });

  it("of a campaign that is not there it says so", async () => {
    expect(await preflight("01JNOSUCHCAMPAIGN000000000")).to.equal(null);
  });
});
