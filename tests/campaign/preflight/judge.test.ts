import { expect } from "chai";
import type { Asked } from "../../../campaign/preflight/asked.ts";
import type { Facts, PoolFacts } from "../../../campaign/preflight/facts.ts";
import { judge } from "../../../campaign/preflight/judge.ts";
import { type Colour, duration, worstOf } from "../../../campaign/preflight/line.ts";
import type { RedisInfo } from "../../../pool/redis-facts.ts";
import type { Deployment } from "../../../record/mongo-facts.ts";
import type { SeenProcess } from "../../../record/processes.ts";
import { allGreen, NOW_MS, seenProcess } from "../../support/preflight-facts.ts";

const silent = { ok: false, why: "no answer within 3000 ms" } as const;
const MB = 1_048_576;

type Change = (facts: Facts) => Facts;
const campaign =
  (given: Partial<Facts["campaign"]>): Change =>
  (facts) => ({ ...facts, campaign: { ...facts.campaign, ...given } });
const pool =
  (given: Partial<PoolFacts>): Change =>
  (facts) => ({
    ...facts,
    pool: facts.pool.ok ? { ok: true, value: { ...facts.pool.value, ...given } } : facts.pool,
  });
const issued =
  (value: number): Change =>
  (facts) => ({ ...facts, issued: { ok: true, value } });
const redis =
  (given: Partial<Facts["redis"]>): Change =>
  (facts) => ({ ...facts, redis: { ...facts.redis, ...given } });
const sentinels = (all: number, answering: number) =>
  redis({ sentinels: { sentinels: all, answering, why: answering < all ? "h: no answer" : "" } });
const info =
  (given: Partial<RedisInfo>): Change =>
  (facts) => ({
    ...facts,
    redis: {
      ...facts.redis,
      info: facts.redis.info.ok ? { ok: true, value: { ...facts.redis.info.value, ...given } } : silent,
    },
  });
const mongodb =
  (given: Partial<Facts["mongodb"]>): Change =>
  (facts) => ({ ...facts, mongodb: { ...facts.mongodb, ...given } });
const processes =
  (...value: readonly SeenProcess[]): Change =>
  (facts) => ({ ...facts, processes: { ok: true, value } });
const but =
  <K extends keyof Facts>(field: K, asked: Facts[K] & Asked<unknown>): Change =>
  (facts) => ({ ...facts, [field]: asked });
const all =
  (...changes: readonly Change[]): Change =>
  (facts) =>
    changes.reduce((changed, change) => change(changed), facts);
const offBy = (offsetMs: number, uncertaintyMs: number) =>
  processes(seenProcess(1), seenProcess(2, { redisClock: { offsetMs, uncertaintyMs } }));
const unmeasured = (() => {
  const { redisClock: _, ...rest } = seenProcess(2);
  return rest;
})();
const deployed = (value: Deployment) => mongodb({ deployment: { ok: true, value } });
const set = (members: number, healthy: number | undefined, majority = Math.floor(members / 2) + 1) =>
  deployed({ kind: "replica-set", name: "rs0", members, healthy, majority });
const noConfig = redis({ appendfsync: { ok: false, why: "NOPERM this user has no permissions" } });
const opened = pool({ armedAtMs: NOW_MS - 5_000 });

/** The check, the colour and the text of its line, and the change of the facts that leads to them. */
const openTo = (reachable: boolean) =>
  processes(seenProcess(1), seenProcess(2, { claims: { auth: "open", reachable } }));
const LIMITS = { user: "20/10", address: "off", key: "off", shared: false };
const limitedBy = (given: Partial<typeof LIMITS>): Partial<SeenProcess> => ({
  claims: { auth: "token", reachable: true, limits: { ...LIMITS, ...given } },
});
const limiting = (given: Partial<typeof LIMITS>) =>
  processes(seenProcess(1, limitedBy(given)), seenProcess(2, limitedBy(given)));
/** One server without claim authentication of its own. */
const alone = (claims: { reachable: boolean; limits?: typeof LIMITS }) =>
  processes(seenProcess(1, { claims: { auth: "open", ...claims } }));

const CASES: readonly (readonly [check: string, colour: Colour, says: RegExp, change: Change])[] = [
  ["start", "green", /opens in 10 min 0 s, at 2026-12-24T11:00:00.000Z/, campaign({})],
  ["start", "green", /is open since 2026-12-24T10:49:55/, all(campaign({ state: "OPEN" }), opened)],
  ["start", "amber", /passed 1.0 s ago and it has not opened/, campaign({ startsAtMs: NOW_MS - 1_000 })],
  ["start", "red", /is paused/, campaign({ state: "PAUSED" })],
  ["start", "red", /is SOLD_OUT/, campaign({ state: "SOLD_OUT" })],
  ["start", "red", /is ENDED/, campaign({ state: "ENDED" })],
  ["start", "red", /is CANCELLED/, campaign({ state: "CANCELLED" })],
  ["start", "red", /its end, .* has passed/, campaign({ endsAtMs: NOW_MS })],

  ["codes", "green", /1,000 of 1,000 codes are made/, campaign({})],
  ["codes", "amber", /10 of 1,000 codes .* needed/, campaign({ generated: 10, state: "GENERATING" })],
  ["codes", "red", /about 1.1 s are needed/, campaign({ generated: 10, startsAtMs: NOW_MS + 1_000 })],
  [
    "codes",
    "red",
    /no generator sends heartbeats/,
    all(campaign({ generated: 999 }), processes(seenProcess(1, { roles: ["server", "scheduler"] }))),
  ],

  ["pool", "green", /1,000 codes in the pool, 0 claimed, 0 issued, of 1,000/, campaign({})],
  [
    "pool",
    "green",
    /600 codes .* 400 claimed, 390 issued/,
    all(pool({ codes: 600, claims: 400, ledger: 10 }), issued(390)),
  ],
  [
    "pool",
    "red",
    /opens at 2026-12-24T11:00:01.000Z, the campaign at 2026-12-24T11:00:00/,
    pool({ startsAtMs: NOW_MS + 601_000 }),
  ],
  ["pool", "red", /ends at 2026-12-24T10:50:00.000Z, the campaign at never/, pool({ endsAtMs: NOW_MS })],
  ["pool", "amber", /while it moves/, all(opened, pool({ codes: 600, claims: 400 }), issued(390))],
  [
    "pool",
    "amber",
    /still being made or loaded/,
    all(pool({ status: "none" }), campaign({ state: "GENERATING", generated: 5 })),
  ],
  // All codes are made, and the pool is being loaded.
  [
    "pool",
    "amber",
    /still being made or loaded/,
    all(pool({ status: "none" }), campaign({ state: "GENERATING" })),
  ],
  [
    "pool",
    "red",
    /no pool yet, and no generator sends heartbeats/,
    all(
      pool({ status: "none" }),
      campaign({ state: "GENERATING" }),
      processes(seenProcess(1, { roles: ["server"] })),
    ),
  ],
  ["pool", "amber", /is being decided/, pool({ status: "frozen" })],
  ["pool", "red", /no pool in this Redis/, pool({ status: "none" })],
  ["pool", "red", /1 code is missing/, pool({ codes: 999 })],
  ["pool", "red", /2 codes too many/, pool({ codes: 1_002 })],
  ["pool", "red", /do not agree/, issued(1)],
  ["pool", "red", /cannot be read: no answer/, but("pool", silent)],
  ["pool", "red", /cannot be counted: no answer/, but("issued", silent)],

  ["fence", "green", /that run now/, campaign({})],
  ["fence", "amber", /is being decided/, pool({ status: "frozen" })],
  ["fence", "red", /another Redis process or dataset/, pool({ status: "fenced" })],

  ["generation", "green", /both of generation 3/, campaign({})],
  ["generation", "amber", /pool 3, swapped in 3, handed out 4/, campaign({ generation: 4 })],
  ["generation", "amber", /pool 4, swapped in 3/, pool({ generation: 4 })],
  ["generation", "red", /an old Redis came back/, campaign({ generation: 4, loadedGeneration: 4 })],

  ["ledger", "green", /no claim waits/, campaign({})],
  ["ledger", "green", /7 claims wait .* during a sale/, all(opened, pool({ ledger: 7 }))],
  ["ledger", "red", /7 claims wait .* before the start/, pool({ ledger: 7 })],
  ["ledger", "red", /cannot be read/, but("pool", silent)],

  ["redis-durability", "green", /appendonly yes, appendfsync always/, campaign({})],
  [
    "redis-durability",
    "amber",
    /appendfsync cannot be read: ERR unknown/,
    redis({ appendfsync: { ok: false, why: "ERR unknown" } }),
  ],
  ["redis-durability", "amber", /appendonly is no/, info({ aofEnabled: false })],
  ["redis-durability", "amber", /does not report whether/, info({ aofEnabled: undefined })],
  ["redis-durability", "red", /append-only file failed/, info({ aofWriteOk: false })],
  [
    "redis-durability",
    "amber",
    /appendfsync everysec/,
    redis({ appendfsync: { ok: true, value: "everysec" } }),
  ],
  ["redis-durability", "red", /does not report/, redis({ info: silent })],

  ["redis-eviction", "green", /noeviction/, campaign({})],
  ["redis-eviction", "amber", /cannot be read/, info({ maxmemoryPolicy: "" })],
  ["redis-eviction", "amber", /volatile-lru: keys with a time/, info({ maxmemoryPolicy: "volatile-lru" })],
  ["redis-eviction", "red", /allkeys-lru/, info({ maxmemoryPolicy: "allkeys-lru" })],
  ["redis-eviction", "red", /does not report/, redis({ info: silent })],

  ["redis-role", "green", /Redis 7.0.15, role master, 1 replica$/, campaign({})],
  ["redis-role", "green", /^Valkey 8.1.1, role master/, info({ engine: "Valkey", version: "8.1.1" })],
  ["redis-role", "amber", /^Valkey 7.0.15 does not report its role/, info({ engine: "Valkey", role: "" })],
  ["redis-role", "red", /role slave, 0 replicas/, info({ role: "slave", replicas: 0 })],
  ["redis-role", "amber", /7.0.15 does not report its role/, info({ role: "" })],
  ["redis-role", "green", /master, 1 replica; 3 of 3 Sentinels answer$/, sentinels(3, 3)],
  ["redis-role", "amber", /; 2 of 3 Sentinels answer: h: no answer$/, sentinels(3, 2)],
  ["redis-role", "amber", /1 of 3 .*, and no failover comes without a majority: h: no/, sentinels(3, 1)],
  ["redis-role", "amber", /1 of 1 Sentinel answer: where one fails, no failover comes/, sentinels(1, 1)],
  ["redis-role", "red", /a Sentinel of version 7.0.15/, info({ mode: "sentinel", role: "" })],
  ["redis-role", "red", /does not report/, redis({ info: silent })],

  ["redis-slot", "green", /no cluster/, campaign({})],
  [
    "redis-slot",
    "green",
    /slot 93 .* at rest/,
    redis({ slot: { ok: true, value: { slot: 93, moving: undefined } } }),
  ],
  [
    "redis-slot",
    "amber",
    /slot 93 .* on its way/,
    redis({ slot: { ok: true, value: { slot: 93, moving: "abc" } } }),
  ],
  ["redis-slot", "amber", /cannot be read/, redis({ slot: silent })],

  ["redis-write", "green", /took 1.5 ms/, campaign({})],
  ["redis-write", "amber", /took 100.1 ms/, redis({ write: { ok: true, value: 100.1 } })],
  ["redis-write", "red", /MISCONF/, redis({ write: { ok: false, why: "MISCONF disk" } })],

  ["redis-memory", "green", /need about 0 MB; maxmemory is not set/, campaign({})],
  [
    "redis-memory",
    "green",
    /need about 120 MB; 190 MB of 200 MB are free/,
    all(campaign({ total: 1_000_000 }), info({ maxmemoryBytes: 200 * MB, usedBytes: 10 * MB })),
  ],
  [
    "redis-memory",
    "green",
    /need about 60 MB/,
    all(
      campaign({ total: 1_000_000 }),
      pool({ claims: 500_000 }),
      info({ maxmemoryBytes: 100 * MB, usedBytes: 10 * MB }),
    ),
  ],
  [
    "redis-memory",
    "amber",
    /need about 120 MB; 140 MB of 150 MB/,
    all(campaign({ total: 1_000_000 }), info({ maxmemoryBytes: 150 * MB, usedBytes: 10 * MB })),
  ],
  [
    "redis-memory",
    "amber",
    /need about 120 MB; maxmemory is not set/,
    all(campaign({ total: 1_000_000 }), info({ usedBytes: 10 * MB, systemBytes: 150 * MB })),
  ],
  [
    "redis-memory",
    "red",
    /need about 120 MB; 110 MB of 120 MB/,
    all(campaign({ total: 1_000_000 }), info({ maxmemoryBytes: 120 * MB, usedBytes: 10 * MB })),
  ],
  ["redis-memory", "amber", /does not report what memory it has and uses/, info({ usedBytes: undefined })],
  ["redis-memory", "amber", /does not report what memory its machine/, info({ systemBytes: undefined })],
  ["redis-memory", "red", /does not report/, redis({ info: silent })],

  ["mongodb-write", "green", /majority, journaled\) took 4.0 ms/, campaign({})],
  ["mongodb-write", "amber", /took 251.0 ms/, mongodb({ write: { ok: true, value: 251 } })],
  [
    "mongodb-write",
    "red",
    /does not take a durable write .*: waiting/,
    mongodb({ write: { ok: false, why: "waiting" } }),
  ],

  ["mongodb-members", "green", /rs0: 3 of 3 members/, set(3, 3)],
  ["mongodb-members", "amber", /one server, no replica set/, deployed({ kind: "standalone" })],
  ["mongodb-members", "amber", /1 of 1 member is healthy, none more may fail/, set(1, 1)],
  // A primary, a secondary and an arbiter: without the secondary no write is durable.
  ["mongodb-members", "amber", /2 of 2 members are healthy, none more/, set(2, 2)],
  ["mongodb-members", "red", /1 of 2 members are healthy, a majority is 2/, set(2, 1)],
  ["mongodb-members", "amber", /a mongos, .* does not report/, deployed({ kind: "mongos", sharded: [] })],
  [
    "mongodb-members",
    "amber",
    /a mongos, .* cannot be read/,
    deployed({ kind: "mongos", sharded: undefined }),
  ],
  [
    "mongodb-members",
    "red",
    /a mongos, .* sharded are coupons.issuances/,
    deployed({ kind: "mongos", sharded: ["coupons.issuances"] }),
  ],
  ["mongodb-members", "amber", /2 of 3 members are healthy, none more may fail/, set(3, 2)],
  ["mongodb-members", "amber", /4 of 5 members are healthy, 1 more may fail/, set(5, 4)],
  ["mongodb-members", "amber", /it cannot be read which of them are healthy/, set(3, undefined)],
  ["mongodb-members", "amber", /cannot be read: no answer/, mongodb({ deployment: silent })],
  ["mongodb-members", "red", /1 of 3 members are healthy, a majority is 2/, set(3, 1)],

  ["servers", "green", /2 alive: a\/1, a\/2/, campaign({})],
  [
    "servers",
    "green",
    /8 alive: a\/1#1, .*a\/1#6 and 2 more/,
    processes(...[1, 2, 3, 4, 5, 6, 7, 8].map((worker) => seenProcess(1, { worker, primary: worker % 2 }))),
  ],
  [
    "servers",
    "green",
    /2 alive/,
    processes(
      seenProcess(1, { worker: 1, primary: 9 }),
      seenProcess(2, { worker: 1, primary: 9, host: "b" }),
    ),
  ],
  ["servers", "green", /2 alive/, processes(seenProcess(1, { worker: 1, primary: 9 }), seenProcess(2))],
  [
    "servers",
    "amber",
    /2 alive: a\/1#1, a\/2#2, workers of one process/,
    processes(seenProcess(1, { worker: 1, primary: 9 }), seenProcess(2, { worker: 2, primary: 9 })),
  ],
  [
    "servers",
    "amber",
    /workers of one process/,
    processes(seenProcess(1, { worker: 1 }), seenProcess(2, { worker: 2 })),
  ],
  ["servers", "amber", /only that one/, processes(seenProcess(1))],
  [
    "servers",
    "amber",
    /silent and not deregistered: a\/3 for 12.0 s/,
    processes(seenProcess(1), seenProcess(2), seenProcess(3, { ageMs: 12_000 })),
  ],
  [
    "servers",
    "amber",
    /different versions: 1.0.0: a\/1; 1.1.0: a\/2$/,
    processes(seenProcess(1), seenProcess(2, { version: "1.1.0" })),
  ],
  [
    "servers",
    "red",
    /2 alive: .*; too old for this campaign, which they leave alone: a\/2 of 1.0.0$/,
    all(campaign({ shape: 2 }), processes(seenProcess(1, { version: "1.1.0", shape: 2 }), seenProcess(2))),
  ],
  ["servers", "red", /no server/, processes(seenProcess(1, { roles: ["scheduler"] }))],
  ["servers", "red", /no server/, processes(seenProcess(1, { ageMs: 5_000 }))],
  ["servers", "red", /cannot be read/, but("processes", silent)],

  ["schedulers", "green", /2 alive: a\/1, last tick 700 ms ago/, campaign({})],
  [
    "schedulers",
    "amber",
    /no scheduler sends heartbeats: it opens all the same, on the first claim/,
    processes(seenProcess(1, { roles: ["server"] })),
  ],
  ["schedulers", "amber", /only that one/, processes(seenProcess(1))],
  [
    "schedulers",
    "amber",
    /last tick 6.0 s ago, .*; 1 late/,
    processes(seenProcess(1, { tickAgeMs: 6_000 }), seenProcess(2)),
  ],
  [
    "schedulers",
    "amber",
    /no tick yet; 1 late/,
    processes(
      seenProcess(2),
      ((one) => {
        const { tickAgeMs: _, ...rest } = one;
        return rest;
      })(seenProcess(1)),
    ),
  ],
  [
    "schedulers",
    "amber",
    /silent and not deregistered: a\/3/,
    processes(seenProcess(1), seenProcess(2), seenProcess(3, { ageMs: 30_000 })),
  ],
  ["schedulers", "red", /cannot be read/, but("processes", silent)],

  ["clocks", "green", /a\/1 \+0.4 ± 1.2 ms, .*this process −0.2 ± 1.1 ms/, campaign({})],
  ["clocks", "green", /a\/2 −48.0 ± 1.0 ms/, offBy(-48, 1)],
  ["clocks", "amber", /a\/2 \+48.0 ± 3.0 ms/, offBy(48, 3)],
  ["clocks", "amber", /a\/2 −999.0 ± 2.0 ms/, offBy(-999, 2)],
  ["clocks", "amber", /a\/2 \+1001.0 ± 2.0 ms/, offBy(1_001, 2)],
  ["clocks", "amber", /not measured: a\/2/, processes(seenProcess(1), unmeasured)],
  ["clocks", "amber", /not measured: this process/, but("ownClock", silent)],
  [
    "clocks",
    "amber",
    /^not measured: a\/2, this process$/,
    all(processes(unmeasured), but("ownClock", silent)),
  ],
  ["clocks", "red", /a\/2 −1003.0 ± 2.0 ms/, offBy(-1_003, 2)],
  [
    "clocks",
    "red",
    /this process \+5000.0/,
    but("ownClock", { ok: true, value: { offsetMs: 5_000, uncertaintyMs: 2 } }),
  ],
  ["clocks", "red", /cannot be read/, but("processes", silent)],

  ["claim-auth", "green", /every server .* demands a credential/, campaign({})],
  ["claim-auth", "green", /^the campaign demands a key /, all(campaign({ claimAuth: "key" }), openTo(true))],
  ["claim-auth", "green", /on this machine alone/, openTo(false)],
  ["claim-auth", "amber", /other machines reach a\/2: whoever sends a user's id/, openTo(true)],
  ["claim-auth", "amber", /cannot be read/, but("processes", silent)],
  [
    "claim-limits",
    "green",
    /by user 20\/10, .*: each of 2 processes counts alone, .* up to 2 times/,
    campaign({}),
  ],
  ["claim-limits", "green", /all 2 processes count together/, limiting({ shared: true })],
  [
    "claim-limits",
    "green",
    /^by user off, by address 2000\/10/,
    limiting({ user: "off", address: "2000/10" }),
  ],
  [
    "claim-limits",
    "green",
    /no server .* is reached by other machines/,
    alone({ reachable: false, limits: LIMITS }),
  ],
  ["claim-limits", "green", /no server that reports its limits/, alone({ reachable: true })],
  ["claim-limits", "amber", /a\/1 lets each caller ask as often as it can$/, limiting({ user: "off" })],
  ["claim-limits", "amber", /: invented users cost nothing/, alone({ reachable: true, limits: LIMITS })],
  [
    "claim-limits",
    "green",
    /by user 20\/10/,
    all(campaign({ claimAuth: "key" }), alone({ reachable: true, limits: LIMITS })),
  ],
  [
    "claim-limits",
    "amber",
    /differently: a\/1 by user 20\/10.*; a\/2 by user 9\/1/,
    processes(seenProcess(1), seenProcess(2, limitedBy({ user: "9/1" }))),
  ],
  ["claim-limits", "amber", /cannot be read/, but("processes", silent)],
  ["code-format", "green", /one guess in 1,000,000,000,000,000 hits/, campaign({})],
  ["code-format", "green", /one guess in 1,000,000,000 hits/, but("guessOdds", { ok: true, value: 1e-9 })],
  [
    "code-format",
    "amber",
    /in 999,\d+,\d+ .*weaker than 1 in/,
    but("guessOdds", { ok: true, value: 1.001e-9 }),
  ],
  ["code-format", "amber", /in 1,000,000 .*weaker/, but("guessOdds", { ok: true, value: 1e-6 })],
  ["code-format", "amber", /another version/, but("guessOdds", { ok: true, value: undefined })],
  ["code-format", "amber", /cannot be read/, but("guessOdds", silent)],
];

describe("preflight judges", () => {
  it("all green where all is as it should be", () => {
    const lines = judge(allGreen);
    expect(lines.filter(({ colour }) => colour !== "green")).to.deep.equal([]);
    expect(worstOf(lines)).to.equal("green");
    expect(lines.every(({ advice }) => advice === "")).to.equal(true);
  });

  for (const [check, colour, says, change] of CASES) {
    it(`${check} ${colour}: ${says.source}`, () => {
      const line = judge(change(allGreen)).find((one) => one.check === check);
      expect(line).to.include({ colour });
      expect(line?.finding).to.match(says);
      expect(line?.advice === "", "something to do, exactly where it is not green").to.equal(
        colour === "green",
      );
    });
  }

  it("advice can be followed where CONFIG is forbidden, as by most managed Redis", () => {
    const wrong = [
      info({ aofEnabled: false }),
      info({ maxmemoryPolicy: "allkeys-lru" }),
      info({ maxmemoryPolicy: "volatile-ttl" }),
    ];
    for (const change of wrong) {
      const told = judge(all(change, noConfig)(allGreen));
      const advice = told.find(
        ({ colour, check }) => colour !== "green" && !check.includes("memory"),
      )?.advice;
      expect(advice).to.match(/provider .*console, parameter group/);
      expect(advice).not.to.include("CONFIG SET");
    }
    const allowed = judge(info({ aofEnabled: false })(allGreen)).map(({ advice }) => advice);
    expect(allowed.join()).to.match(
      /CONFIG SET appendonly yes.*of a managed Redis, set appendonly yes where/,
    );
  });

  it("a right that its Redis user lacks is named as what to give, not as a Redis that does not answer", () => {
    const why = "NOPERM this user has no permissions to run the 'info' command";
    const denied = { ok: false, why } as const;
    const lines = judge(all(redis({ info: denied, write: denied }), but("pool", denied))(allGreen));
    const told = lines.filter(({ finding }) => finding.includes("NOPERM"));
    expect(told.map(({ check }) => check)).to.include.members(["pool", "redis-role", "redis-write"]);
    for (const { advice, check } of told) expect(advice, check).to.match(/ACL SETUSER/);
  });

  it("a right that its MongoDB user lacks is named as what to give", () => {
    const denied = { ok: false, why: "not authorized on coupons to execute command { insert: … }" } as const;
    const told = judge(mongodb({ write: denied })(allGreen)).find(({ check }) => check === "mongodb-write");
    expect([told?.colour, told?.advice]).to.deep.equal([
      "red",
      "grant the user of MONGODB_URL readWrite on the database MONGODB_DATABASE",
    ]);
  });

  it("what cannot be asked because the slot is on its way is amber, whatever words it is refused in", () => {
    const words = [
      "TRYAGAIN Multiple keys request during rehashing of slot",
      "ERR Script attempted to access a non local key in a cluster node script: 1",
      "Too many Cluster redirections",
      "Cannot find node 10.0.0.7:6379",
    ];
    for (const why of words) {
      const denied = { ok: false, why } as const;
      const lines = judge(
        all(redis({ info: denied, write: denied, slot: denied }), but("pool", denied))(allGreen),
      );
      expect(worstOf(lines), why).to.equal("amber");
      expect(lines.find(({ check }) => check === "pool")?.advice).to.match(/migration is over/);
    }
  });

  it("each check is shown in every colour that it can have, and looked at alone", () => {
    const shown = new Map<string, Set<Colour>>();
    for (const [check, colour] of CASES) shown.set(check, (shown.get(check) ?? new Set()).add(colour));
    expect(judge(allGreen).map(({ check }) => check)).to.deep.equal([...shown.keys()]);
    for (const [check, colours] of shown) {
      const worst = ["redis-slot", "claim-auth", "claim-limits", "code-format"].includes(check)
        ? "amber"
        : "red";
      expect([...colours].sort(), check).to.include.members(["green", worst]);
    }
  });

  it("the clock of a process without part in the opening does not count", () => {
    const change = processes(
      seenProcess(1),
      seenProcess(2),
      seenProcess(3, { roles: ["generator"], redisClock: { offsetMs: 9_000, uncertaintyMs: 1 } }),
    );
    expect(judge(change(allGreen)).find(({ check }) => check === "clocks")).to.include({ colour: "green" });
  });

  it("the worst of lines is their colour, red before amber before green", () => {
    const of = (...colours: Colour[]) => worstOf(colours.map((colour) => ({ colour })));
    expect([of("green", "amber", "green"), of("amber", "red", "green"), of("green")]).to.deep.equal([
      "amber",
      "red",
      "green",
    ]);
  });

  it("durations are told in their two largest units", () => {
    expect([0, 999, 1_000, 59_999, 60_000, 3_599_000, 7_500_000].map(duration)).to.deep.equal([
      "0 ms",
      "999 ms",
      "1.0 s",
      "60.0 s",
      "1 min 0 s",
      "59 min 59 s",
      "2 h 5 min",
    ]);
  });
});
