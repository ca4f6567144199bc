import { join } from "node:path";
import { expect } from "chai";
import { createClient } from "redis";
import { openAuditor } from "../../audit/stores/auditor.ts";
import { freePort } from "../../local/free-port.ts";
import { givenStore } from "../../local/given-store.ts";
import { until } from "../../local/poll.ts";
import { prepareNode, startNode } from "../../local/redis-group/node.ts";
import { MASTER_NAME } from "../../local/redis-group/sentinel.ts";
import type { GroupNode, NodePlan } from "../../local/redis-group/settings.ts";
import { createPool, type Pool } from "../../pool/pool.ts";
import { connectRedis, type Redis } from "../../pool/redis.ts";
import { createLogger } from "../../runtime/logger.ts";
import { UserError } from "../../runtime/user-error.ts";
import { makeCertificates } from "../support/certificates.ts";
import { loadedPool } from "../support/loaded-pool.ts";
import { HANG_MS } from "../support/patience.ts";
import { type SentinelGroup, startSentinelGroup } from "../support/redis-group.ts";
import { sharedStack, silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const PASSWORD = "d%fault/p@ss:한글";
const USER = { name: "coupons", password: "us/er,p@ss:#?", rights: ["~cp:*", "+@all", "-@admin"] };
const secret = encodeURIComponent(PASSWORD);

const connect = (url: string, logger = silentLogger, connectWithinMs = HANG_MS) =>
  connectRedis({ url, connectWithinMs, logger });

async function refusalOf(url: string, withinMs?: number): Promise<UserError> {
  const told: unknown = await connect(url, silentLogger, withinMs).then(
    (redis) => redis.close(),
    (error: unknown) => error,
  );
  if (told instanceof UserError) return told;
  throw new Error("it connected", { cause: told });
}

describe("Redis behind Sentinels", () => {
  let group: SentinelGroup;
  let hosts = "";
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    destination: { write: (line) => void lines.push(line) },
  });

  before(async () => {
    // Only where a test asks for it: on a busy machine a healthy master does not answer for seconds, either.
    group = await startSentinelGroup({ password: PASSWORD, user: USER, failedAfterMs: HANG_MS });
    hosts = group.sentinels.map(({ host, port }) => `${host}:${port}`).join(",");
  });

  after(() => group.close());

  const asDefault = (at: string, name = MASTER_NAME) =>
    `redis+sentinel://:${secret}@${at}/${name}?sentinelPassword=${secret}`;

  /** The port of the Redis that a client of the product uses now. */
  const portInUse = async (redis: Redis) =>
    Number(/tcp_port:(\d+)/.exec(String(await redis.command("any", ["INFO", "server"])))?.[1]);

  const isLedTo = (redis: Redis, node: GroupNode) =>
    until(async () => (await portInUse(redis).catch(() => 0)) === node.port, HANG_MS, 20);

  const setFailedAfter = (ms: number) =>
    Promise.all(
      group.sentinels.map((one) =>
        one.ask("SENTINEL", "SET", MASTER_NAME, "down-after-milliseconds", String(ms)),
      ),
    );

  /** A failover that the Sentinels make because they are asked to; the old master becomes a replica. */
  async function failOver(): Promise<{ readonly old: GroupNode; readonly next: GroupNode }> {
    const old = await group.masterOf("");
    const begun = async () =>
      group.sentinels[0]?.ask("SENTINEL", "FAILOVER", MASTER_NAME).then(
        () => true,
        () => false,
      ) ?? false;
    expect(await until(begun, HANG_MS, 100), "a failover begins").to.equal(true);
    const done = async () => {
      const masters = await Promise.all(group.sentinels.map((one) => group.masterOf("", one)));
      const [next] = masters;
      // A Sentinel gives up a failover whose replica does not become the master in time, and makes no second
      // one by itself. While it is at one, it refuses another.
      if (next === old) await begun();
      return next !== old && masters.every((other) => other === next);
    };
    expect(await until(() => done().catch(() => false), HANG_MS, 50), "it ends").to.equal(true);
    await group.untilWhole();
    return { old, next: await group.masterOf("") };
  }

  describe("at the start", () => {
    it("the master is used as a Redis by itself is, with a user of its own, and by the audit", async () => {
      const redis = await connect(group.url);
      try {
        const { campaignId } = await loadedPool(createPool(redis, HANG_MS));
        expect(await portInUse(redis)).to.equal((await group.masterOf("")).port);
        expect(redis.sentinels()).to.deep.include({ sentinels: 3, answering: 3 });
        const { mongodb } = await sharedStack();
        const auditor = await openAuditor({ redisUrl: group.url, mongodbUrl: mongodb.url });
        expect(await auditor.waitForRest(campaignId, [], HANG_MS)).to.equal(true);
        await auditor.close();
      } finally {
        await redis.close();
      }
      await givenStore("redis", group.url).waitReady();
    });

    it("a master that is no longer one is not used, whichever Sentinel is asked first", async () => {
      const { next } = await failOver();
      for (const at of [hosts, hosts.split(",").toReversed().join(",")]) {
        const redis = await connect(asDefault(at));
        expect(await portInUse(redis)).to.equal(next.port);
        await redis.close();
      }
    });

    it("no Sentinel answers: each is named, with exit code 3", async () => {
      const [a, b] = [await freePort(), await freePort()];
      const { message, exitCode } = await refusalOf(asDefault(`127.0.0.1:${a},127.0.0.1:${b}`), 1_000);
      expect(message).to.match(
        new RegExp(
          `^no master ${MASTER_NAME} of the Sentinels at 127.0.0.1:${a}, 127.0.0.1:${b} \\(no Sentinel answers: ` +
            `.*127.0.0.1:${a}\\b.*; .*127.0.0.1:${b}\\b.*; START_DEADLINE_MS, 1000 ms, is over\\)`,
        ),
      );
      expect(exitCode).to.equal(3);
    });

    it("one that answers is enough", async () => {
      const [, ...others] = hosts.split(",");
      const redis = await connect(asDefault([`127.0.0.1:${await freePort()}`, ...others].join(",")));
      expect(redis.sentinels()).to.include({ sentinels: 3, answering: 2 });
      expect(redis.sentinels()?.why).to.match(/ECONNREFUSED/);
      await redis.close();
    });

    it("none knows the name: said at once, with exit code 2", async () => {
      const { message, exitCode } = await refusalOf(asDefault(hosts, "kupons"));
      expect(message).to.match(
        /^configuration: REDIS_URL: none of the Sentinels at .* knows .* named kupons: /,
      );
      expect(exitCode).to.equal(2);
    });

    it("a password that a Sentinel or the master does not take, or asks for, is named and not repeated", async () => {
      for (const [url, why] of [
        [
          `redis+sentinel://:${secret}@${hosts}/${MASTER_NAME}`,
          /the Sentinel at .* \(NOAUTH\).*: its option sentinelPassword$/,
        ],
        [
          `redis+sentinel://:${secret}@${hosts}/${MASTER_NAME}?sentinelPassword=hush-hush`,
          /the Sentinel at .* refuses the password \(WRONGPASS\): its option sentinelPassword$/,
        ],
        [
          `redis+sentinel://${hosts}/${MASTER_NAME}?sentinelPassword=${secret}`,
          /Redis at 127\.0\.0\.1:\d+ asks for a password \(NOAUTH\), and the URL has none$/,
        ],
        [
          `redis+sentinel://:hush-hush@${hosts}/${MASTER_NAME}?sentinelPassword=${secret}`,
          /Redis at 127\.0\.0\.1:\d+ refuses the password \(WRONGPASS\)$/,
        ],
      ] as const) {
        const { message, exitCode } = await refusalOf(url);
        expect(message)
          .to.match(/^configuration: REDIS_URL: /)
          .and.to.match(why);
        expect(message).not.to.include("hush");
        expect(exitCode).to.equal(2);
      }
    });

    it("a user of the Sentinels needs the two rights that are listed, and is told a missing one", async () => {
      const rights = ["+sentinel|master", "+sentinel|get-master-addr-by-name"];
      const grant = (...given: readonly string[]) =>
        Promise.all(group.sentinels.map((one) => one.ask("ACL", "SETUSER", "asker", ...given)));
      const url = `redis+sentinel://:${secret}@${hosts}/${MASTER_NAME}?sentinelUser=asker&sentinelPassword=a%20b`;
      await grant("reset", "on", ">a b", ...rights);
      await (await connect(url)).close();
      await grant("reset", "on", ">a b", rights[0] as string);
      const { message } = await refusalOf(url);
      expect(message).to.match(
        /the Sentinel at .* refuses .*NOPERM.*; grant \+sentinel\|master \+sentinel\|get-/,
      );
    });

    it("a Redis in the place of a Sentinel, and a Sentinel in the place of a Redis, are told apart", async () => {
      const { host, port } = await group.masterOf("");
      const redis = await refusalOf(
        `redis+sentinel://:${secret}@${host}:${port}/${MASTER_NAME}?sentinelPassword=${secret}`,
      );
      expect(redis.message).to.match(/is a Redis, not a Sentinel: give the ports of the Sentinels/);
      const sentinel = await refusalOf(`redis://:${secret}@${hosts.split(",")[0]}`);
      expect(sentinel.message).to.match(
        /is a Redis Sentinel, not a Redis: give redis\+sentinel:\/\/.*\/NAME/,
      );
    });
  });

  describe("while it is used", () => {
    let redis: Redis;
    let pool: Pool;

    beforeEach(async () => {
      lines.length = 0;
      redis = await connect(group.url, logger);
      pool = createPool(redis, 2_000);
    });

    afterEach(() => redis.close());

    const works = () =>
      pool.advance("any", Date.now()).then(
        () => true,
        () => false,
      );

    it("a failover is followed, and the pool of the old master is fenced off", async () => {
      const { campaignId } = await loadedPool(pool);
      const { next } = await failOver();
      expect(await isLedTo(redis, next)).to.equal(true);
      const status = async () => (await pool.inspect(campaignId).catch(() => undefined))?.status;
      expect(await until(async () => (await status()) === "fenced", HANG_MS, 20)).to.equal(true);
    });

    it("an audit that is under way reads on from the new master", async () => {
      const { campaignId } = await loadedPool(pool);
      const { mongodb } = await sharedStack();
      const auditor = await openAuditor({ redisUrl: group.url, mongodbUrl: mongodb.url });
      try {
        const { old, next } = await failOver();
        // The Sentinels closed its connection. It does not read from the replica that the old one is.
        for (const node of [old, next]) await node.ask("CONFIG", "RESETSTAT");
        expect(await auditor.waitForRest(campaignId, [], HANG_MS)).to.equal(true);
        const readsOf = async (node: GroupNode) =>
          /cmdstat_xlen:calls=(\d+)/.exec(String(await node.ask("INFO", "commandstats")))?.[1];
        expect([await readsOf(old), Number(await readsOf(next)) > 0]).to.deep.equal([undefined, true]);
      } finally {
        await auditor.close();
      }
    });

    it("an old master that still answers is left, once the Sentinels have another", async () => {
      const old = await group.masterOf("");
      // It refuses the Sentinels and its replicas, and goes on taking the commands of the service.
      await old.ask("CONFIG", "SET", "masterauth", "");
      const raw = createClient({ url: old.url, password: "cut-off" }).on("error", () => {});
      await old.ask("CONFIG", "SET", "requirepass", "cut-off");
      await raw.connect();
      try {
        await setFailedAfter(2_000);
        await raw.sendCommand(["CLIENT", "KILL", "USER", "default", "SKIPME", "yes"]);
        const moved = async () => {
          const next = await group.masterOf("").catch(() => old);
          return next !== old && (await portInUse(redis).catch(() => 0)) === next.port;
        };
        expect(await works()).to.equal(true);
        expect(await until(moved, HANG_MS, 50)).to.equal(true);
        expect(String(await raw.sendCommand(["ROLE"])), "it believes to be one").to.match(/^master/);
        expect(lines.join("")).to.include("the Sentinels name another master, which serves");
      } finally {
        await raw.sendCommand(["CONFIG", "SET", "requirepass", PASSWORD]);
        raw.destroy();
        await old.ask("CONFIG", "SET", "masterauth", PASSWORD);
        // A Sentinel opens its connection to the old master again after half of this time.
        await group.untilWhole();
        await setFailedAfter(HANG_MS);
      }
    });

    it("while no Sentinel answers, the master is used as it is, over a new connection too", async () => {
      const master = await group.masterOf("");
      await Promise.all(group.sentinels.map((one) => one.kill()));
      try {
        const told = () =>
          lines.some((line) => line.includes("no Sentinel answers; staying with the master"));
        expect(await until(told, HANG_MS, 20)).to.equal(true);
        expect(await works()).to.equal(true);
        await master.ask("CLIENT", "KILL", "USER", USER.name);
        expect(await until(works, HANG_MS, 20)).to.equal(true);
        expect(await portInUse(redis)).to.equal(master.port);
      } finally {
        await Promise.all(group.sentinels.map((one) => one.start()));
        await group.untilWhole();
      }
      const again = () => lines.some((line) => line.includes("all Sentinels answer again"));
      expect(await until(again, HANG_MS, 20)).to.equal(true);
    });
  });

  describe("with a Sentinel that was left behind by a failover", () => {
    const dir = temporaryDir();
    let liar: GroupNode;
    let old: GroupNode;
    let next: GroupNode;

    before(async () => {
      ({ old, next } = await failOver());
      // Without the password of the nodes it hears of no failover, and names what it was set up with.
      const plan: NodePlan = {
        ...{ role: "sentinel", id: "f".repeat(40), port: await freePort(), dir: join(dir.path, "liar") },
        lines: [["sentinel", "monitor", MASTER_NAME, old.host, String(old.port), "2"]],
      };
      const options = { kind: "sentinel", folder: dir.path, password: PASSWORD } as const;
      await prepareNode(plan, options);
      liar = await startNode(plan, options);
    });

    after(async () => {
      await liar?.kill();
      dir.remove();
    });

    const listed = () => asDefault(`${liar.host}:${liar.port},${hosts}`);

    it("it names the old master, and the newer configuration of the others is believed", async () => {
      expect(await liar.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)).to.deep.equal([
        old.host,
        String(old.port),
      ]);
      const redis = await connect(listed());
      expect(await portInUse(redis)).to.equal(next.port);
      await redis.close();
    });

    it("a process that hears of it alone is not led to a replica, even to one that takes writes", async () => {
      await old.ask("CONFIG", "SET", "replica-read-only", "no");
      const { message, exitCode } = await refusalOf(asDefault(`${liar.host}:${liar.port}`), 1_500);
      await old.ask("CONFIG", "SET", "replica-read-only", "yes");
      expect(message).to.include(
        `${old.host}:${old.port}, which the Sentinels name, is a replica and no master`,
      );
      expect(exitCode).to.equal(3);
    });

    it("it is not believed either where it alone answers, and the old master takes writes", async () => {
      const redis = await connect(listed(), logger);
      const pool = createPool(redis, 2_000);
      const works = () =>
        pool.advance("any", Date.now()).then(
          () => true,
          () => false,
        );
      for (const one of group.sentinels) one.pause();
      try {
        await old.ask("REPLICAOF", "NO", "ONE");
        lines.length = 0;
        await next.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        const lost = () => lines.some((line) => line.includes("Redis connection lost"));
        expect(await until(lost, HANG_MS, 20)).to.equal(true);
        expect(await until(works, HANG_MS, 20)).to.equal(true);
        const alone = () => redis.sentinels()?.answering === 1;
        expect(await until(alone, HANG_MS, 20), "it alone answers").to.equal(true);
        expect(await portInUse(redis)).to.equal(next.port);
      } finally {
        for (const one of group.sentinels) one.resume();
        await redis.close();
        await group.untilWhole();
      }
    });
  });
});

describe("Redis behind Sentinels with TLS", () => {
  const dir = temporaryDir();
  let group: SentinelGroup;
  let ca = "";

  before(async () => {
    const tls = makeCertificates(dir.path);
    ca = encodeURIComponent(tls.caFile);
    group = await startSentinelGroup({ tls, password: "secret" });
  });

  after(async () => {
    await group.close();
    dir.remove();
  });

  it("the options of the URL are those of the Sentinels and of the master", async () => {
    const redis = await connect(`${group.url}&ca=${ca}`);
    await loadedPool(createPool(redis, HANG_MS));
    await redis.close();
  });

  it("an authority that nobody trusts, and a URL without TLS, are said at once", async () => {
    expect((await refusalOf(group.url)).message).to.match(/no TLS connection to .*\?ca=\/path after the URL/);
    const plain = await refusalOf(group.url.replace("rediss+", "redis+"));
    expect(plain.message).to.match(/speaks TLS alone: give rediss\+sentinel:\/\/$/);
  });
});
