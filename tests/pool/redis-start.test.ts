import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { type Auditor, openAuditor } from "../../audit/stores/auditor.ts";
import { inheritedEnvironment } from "../../local/child.ts";
import { repositoryDir } from "../../local/repository.ts";
import { startStack } from "../../local/stack.ts";
import { LocalStackError } from "../../local/store.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { createTakeFromLimit } from "../../pool/limit-buckets.ts";
import { createPool } from "../../pool/pool.ts";
import { connectRedis } from "../../pool/redis.ts";
import { createRedisProbe } from "../../pool/redis-facts.ts";
import { StoreUnavailable } from "../../runtime/store-unavailable.ts";
import { UserError } from "../../runtime/user-error.ts";
import { loadedPool } from "../support/loaded-pool.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { HANG_MS } from "../support/patience.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { startSentinelGroup } from "../support/redis-group.ts";
import { sharedStack, silentLogger } from "../support/shared-stores.ts";

const connect = (url: string) => connectRedis({ url, connectWithinMs: HANG_MS, logger: silentLogger });

/** The one-line error that ends the start, long before its deadline, here a bound against hanging. */
async function refusalOf(url: string): Promise<UserError> {
  const redis = await connect(url).catch((error: unknown) => error);
  if (redis instanceof UserError) return redis;
  if (redis instanceof Error) throw redis;
  await (redis as Awaited<ReturnType<typeof connect>>).close();
  throw new Error("it connected");
}

/** Loads pools until each of the three masters has one, so that every master was used. */
async function usedEverywhere(cluster: RedisCluster, url: string): Promise<string> {
  const redis = await connect(url);
  try {
    const pool = createPool(redis, HANG_MS);
    const homes = new Set<string>();
    let last = "";
    while (homes.size < 3) {
      last = (await loadedPool(pool)).campaignId;
      homes.add((await cluster.masterOf(campaignKeys(last).meta)).id);
    }
    return last;
  } finally {
    await redis.close();
  }
}

/** The rights that docs/operations.md lists for every Redis. */
const NEEDED =
  "+ping +eval +evalsha +info +time +exists +unlink +rename +renamenx +set +hset +hsetnx +hget +hmget +hlen +hincrby +hdel +hscan " +
  "+rpush +lpush +llen +lrem +lpop +xadd +xlen +xrange +xdel";

describe("Redis at the start: a cluster of six nodes", () => {
  const password = "d%fault/p@ss:한글";
  const user = { name: "coupons", password: "us/er p@ss,redis:#?", rights: ["~cp:*", "+@all", "-@admin"] };

  describe("with a password and a user of its own", () => {
    let cluster: RedisCluster;

    before(async () => {
      cluster = await startRedisCluster({ password, user });
    });

    after(() => cluster.close());

    const withPassword = (secret: string) =>
      cluster.nodes.map(({ store }) => `redis://:${encodeURIComponent(secret)}@${store.host}:${store.port}`);

    it("requirepass: the password of the first URL is that of all nodes", async () => {
      const [first, ...others] = withPassword(password);
      const bare = others.map((url) => url.replace(/\/\/.*@/, "//"));
      await usedEverywhere(cluster, [first, ...others].join(","));
      await usedEverywhere(cluster, [first, ...bare].join(","));
    });

    it("an ACL user with no more than the rights that docs/operations.md lists for a cluster", async () => {
      const rights = [
        "reset",
        "on",
        `>${user.password}`,
        "~cp:*",
        ...NEEDED.split(" "),
        "+cluster|slots",
        "+asking",
      ];
      const grant = (...given: readonly string[]) =>
        Promise.all(cluster.nodes.map((node) => node.ask("ACL", "SETUSER", user.name, ...given)));
      await grant(...rights);
      const redis = await connect(cluster.url);
      try {
        const { campaignId } = await loadedPool(createPool(redis, HANG_MS));
        // Shared limits need no more, and lie in slots of their own.
        const take = createTakeFromLimit(redis);
        for (let i = 0; i < 6; i++)
          expect((await take(`user:${process.pid}-${i}`, 1, { count: 5, seconds: 60 }))[0]).to.equal(1);
        const probe = createRedisProbe(redis, HANG_MS);
        expect(await probe.slot(campaignId).then(() => "", String)).to.match(/NOPERM/);
        await grant("+cluster|nodes", "+cluster|keyslot", "+config|get");
        expect(await probe.slot(campaignId)).to.have.property("moving", undefined);
        expect(await probe.config(campaignId, "maxmemory-policy")).to.equal("noeviction");
      } finally {
        await redis.close();
        await grant("reset", "on", `>${user.password}`, ...user.rights);
      }
    });

    it("an ACL user, by the whole list and by one node of it, and the audit's own connection as well", async () => {
      const [one] = cluster.nodes;
      const campaignId = await usedEverywhere(cluster, cluster.url);
      await usedEverywhere(cluster, cluster.urlOf(one as (typeof cluster.nodes)[0]));
      const { mongodb } = await sharedStack();
      for (const redisUrl of [cluster.url, cluster.urlOf(one as (typeof cluster.nodes)[0])]) {
        const auditor = await openPatiently({ redisUrl, mongodbUrl: mongodb.url });
        try {
          expect(await auditor.waitForRest(campaignId, [], HANG_MS)).to.equal(true);
        } finally {
          await auditor.close();
        }
      }
    });

    it("`npm start` takes the list as well, and says what it cannot use", async () => {
      const { mongodb } = await sharedStack();
      const given = { dataDir: "unused", mongodbUrl: mongodb.url };
      const stack = await startStack({ ...given, redisUrl: cluster.url });
      expect(stack.redis).to.include({
        origin: "given",
        url: cluster.url,
        port: cluster.nodes[0]?.store.port,
      });
      const [wrong] = withPassword("hush-hush");
      const refused = await startStack({ ...given, redisUrl: wrong }).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(LocalStackError);
      expect(String(refused))
        .to.match(/REDIS_URL: .*WRONGPASS/)
        .and.not.to.match(/hush/);
    });

    it("a wrong password, or none, is said at once, with the code of Redis and without the password", async () => {
      const wrong = await refusalOf(withPassword("hush-hush").join(","));
      expect(wrong.message).to.match(/^configuration: REDIS_URL: .*WRONGPASS/);
      expect(wrong.message).not.to.include("hush");
      const none = await refusalOf(
        cluster.nodes.map(({ store }) => `redis://${store.host}:${store.port}`).join(","),
      );
      expect(none.message).to.match(/^configuration: REDIS_URL: .*NOAUTH/);
    });
  });

  it("TLS: of the first URL for all nodes; an authority that nobody trusts is said at once", async () => {
    const cluster = await startRedisCluster({ tls: true, password });
    try {
      const refused = await refusalOf(cluster.url);
      expect(refused.message).to.match(/REDIS_URL: no TLS connection .*NODE_EXTRA_CA_CERTS/);
      const said = await new Promise<string>((resolve) => {
        const env = {
          ...inheritedEnvironment(),
          NODE_EXTRA_CA_CERTS: cluster.caFile ?? "",
          REDIS_URL: cluster.url,
        };
        const args = ["--import", "tsx", "tests/pool/fixtures/use-redis.ts"];
        execFile(process.execPath, args, { cwd: repositoryDir, env, timeout: HANG_MS }, (_, out, err) =>
          resolve(out + err),
        );
      });
      expect(said).to.equal("ready in 24 slots\n");
      // The same by an option of the URL, which belongs to all nodes, also those that only the cluster names.
      const [first = "", ...others] = cluster.url.split(",");
      const trusting = `${first}?ca=${encodeURIComponent(cluster.caFile ?? "")}`;
      await usedEverywhere(cluster, [trusting, ...others].join(","));
      await usedEverywhere(cluster, trusting);
      const missing = await refusalOf(`${first}?ca=/nowhere/ca.pem`);
      expect(missing.message).to.equal(
        "configuration: REDIS_URL: the file of its option ca cannot be read (ENOENT)",
      );
    } finally {
      await cluster.close();
    }
  });
});

describe("Redis at the start: what is there", () => {
  let own: OwnRedis;

  before(async () => {
    own = await ownRedis();
  });

  after(() => own.close());

  it("a list of single servers is refused", async () => {
    const { message } = await refusalOf(`${own.store.url},${own.store.url}`);
    expect(message).to.match(/REDIS_URL lists 2 addresses, .*single Redis.*give one URL/);
  });

  it("a Sentinel is refused, and what to give instead is said", async () => {
    const group = await startSentinelGroup();
    try {
      const { message } = await refusalOf(group.sentinels[0]?.url ?? "");
      expect(message).to.match(/is a Redis Sentinel, .*master/);
    } finally {
      await group.close();
    }
  });

  describe("a user without a right", () => {
    async function as(...rights: readonly string[]): Promise<string> {
      await own.raw.sendCommand(["ACL", "SETUSER", "few", "reset", "on", ">pw", "~cp:*", ...rights]);
      return `redis://few:pw@${own.store.host}:${own.store.port}`;
    }

    it("is told which, by name", async () => {
      // EVAL is only used where Redis does not have the script yet.
      const names = NEEDED.split(" ").map((right) => right.slice(1));
      for (const name of names.filter((one) => one !== "eval")) {
        const { message } = await refusalOf(await as(...NEEDED.split(" "), `-${name}`));
        expect(message, name).to.match(new RegExp(`user few may not run ${name}; grant \\+${name} `));
      }
      // Without both there is no list, which RENAME then does not find: that is no further right.
      const both = await refusalOf(await as(...NEEDED.split(" "), "-rpush", "-lpush"));
      expect(both.message).to.match(/may not run lpush, rpush; grant \+lpush \+rpush \(ACL SETUSER\); docs/);
      const keys = await refusalOf(await as(...NEEDED.split(" "), "resetkeys", "~other:*"));
      expect(keys.message).to.match(/may not touch keys that begin with cp:.*grant ~cp:\* /);
    });

    it("is told of SELECT, which only a URL with a database needs", async () => {
      const url = await as(...NEEDED.split(" "));
      const { message, exitCode } = await refusalOf(`${url}/1`);
      expect(message).to.match(/the Redis user few may not run select; grant \+select \(ACL SETUSER\)/);
      expect(exitCode).to.equal(2);
      await own.raw.sendCommand(["ACL", "SETUSER", "few", "+select"]);
      await (await connect(`${url}/1`)).close();
    });

    it("does without CONFIG, and with no more than docs/operations.md lists", async () => {
      const page = readFileSync(`${repositoryDir}/docs/operations.md`, "utf8").replace(/\s*\\\n\s*/g, " ");
      expect(page).to.include(NEEDED);
      const redis = await connect(await as(...NEEDED.split(" ")));
      try {
        const { campaignId } = await loadedPool(createPool(redis, HANG_MS));
        expect((await createPool(redis, HANG_MS).inspect(campaignId)).status).to.equal("ok");
      } finally {
        await redis.close();
      }
    });

    it("every command of every script is tried", () => {
      const dir = `${repositoryDir}/pool/lua`;
      const used = (files: readonly string[]) =>
        new Set(
          files.flatMap((file) =>
            [...readFileSync(`${dir}/${file}`, "utf8").matchAll(/(?:redis\.p?call|try)\('([A-Z]+)'/g)].map(
              ([, name = ""]) => name,
            ),
          ),
        );
      const tried = used(["rights.lua"]);
      const missing = [...used(readdirSync(dir))].filter((name) => !tried.has(name));
      expect(missing).to.deep.equal([]);
    });
  });
});

/**
 * Retries if the connections to six nodes took too long, as an operator would on a busy machine.
 */
async function openPatiently(urls: Parameters<typeof openAuditor>[0]): Promise<Auditor> {
  const giveUpAtMs = performance.now() + HANG_MS;
  for (;;) {
    try {
      return await openAuditor(urls);
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() > giveUpAtMs) throw error;
    }
  }
}
