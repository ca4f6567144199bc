import { expect } from "chai";
import { createCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { coupon, couponVerify } from "../../support/coupon-verify.ts";
import { type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

/** The rights that docs/operations.md lists for the service in a cluster, and for the audit. */
const NEEDED =
  "+ping +eval +evalsha +info +time +exists +unlink +rename +renamenx +set +hset +hsetnx +hget +hmget +hlen +hincrby +hdel +hscan " +
  "+rpush +lpush +llen +lrem +lpop +xadd +xlen +xrange +xdel +cluster|slots +asking";
const AUDIT = ["+multi", "+exec", "+hgetall", "+lrange"];
const AN_HOUR_MS = 3_600_000;

describe("a Redis Cluster whose user has the service's own rights and no more", () => {
  let cluster: RedisCluster;
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let id = "";

  const grant = (...rights: readonly string[]) =>
    Promise.all(cluster.nodes.map((node) => node.ask("ACL", "SETUSER", "coupons", ...rights)));

  before(async () => {
    const user = { name: "coupons", password: "few", rights: ["~cp:*", ...NEEDED.split(" ")] };
    cluster = await startRedisCluster({ password: "all", user, replicas: false, persistent: true });
    services = createServices({ ...stores.env, REDIS_URL: cluster.url, COMMIT_DEADLINE_MS: "500" });
    service = await services.start();
    clients = connectClients(service.url);
    ({ id } = await createCampaign(clients, { total: 50, startsAtMs: Date.now() + AN_HOUR_MS }));
    await untilState(clients, id, "SCHEDULED");
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      await cluster?.close();
    }
  });

  const redisLines = async () => {
    const { lines } = await clients.campaigns.preflightCampaign({ campaignId: id });
    return lines.filter(({ check }) => check.startsWith("redis-"));
  };

  it("preflight reads all but the settings and the slot's move; their advice names the right", async () => {
    const lines = await redisLines();
    const notGreen = lines.filter(({ finding }) => finding.includes("NOPERM"));
    expect(notGreen.map(({ check }) => check)).to.deep.equal(["redis-durability", "redis-slot"]);
    expect(notGreen[0]?.advice).to.match(/the right \+config\|get \(ACL SETUSER\)/);
    expect(notGreen[1]?.advice).to.match(/the right \+cluster\|\w+ \(ACL SETUSER\)/);
    const { stdout } = await coupon(service.url, "preflight", id, "--json");
    const told: { lines: { check: string; colour: string }[] } = JSON.parse(stdout);
    const reds = told.lines.filter(({ check, colour }) => check.startsWith("redis-") && /RED/.test(colour));
    expect(reds).to.deep.equal([]);
  });

  it("verify ends at once, with every right that is missing and no other", async () => {
    const none = await coupon(service.url, "verify", id);
    expect(none.code).to.equal(3);
    expect(none.stderr).to.match(
      /^coupon: the audit may not read this Redis: its user coupons lacks [^\n]*\n$/,
    );
    for (const right of AUDIT) expect(none.stderr).to.include(right);
    expect(none.stderr).not.to.match(/\+xlen|\+info|did not answer/);
    await grant("+multi", "+hgetall", "+lrange", "+hscan");
    const one = await coupon(service.url, "verify", id);
    expect(one.stderr).to.match(/lacks \+exec \(ACL SETUSER/);
    expect(one.code).to.equal(3);
  });

  it("with the right to MULTI and not to EXEC, preflight leaves the claims' connection as it was", async () => {
    await redisLines();
    const { id: open } = await createCampaign(clients, { total: 5, startsAtMs: Date.now() });
    await untilState(clients, open, "OPEN");
    await clients.campaigns.preflightCampaign({ campaignId: open });
    const { coupon: held } = await clients.coupons.issueCoupon({
      campaignId: open,
      userId: "after-preflight",
    });
    expect(held?.code).to.be.a("string");
  });

  it("rehearse shows the launch, says that the stores could not be checked, and ends with 11", async () => {
    const plan = ["--rate", "100", "--in", "4", "--seed", "7"];
    const { code, stdout, stderr } = await coupon(service.url, "rehearse", id, ...plan, "--json");
    const told = JSON.parse(stdout);
    expect(told.press.issued, stderr).to.equal(50);
    expect(told.notAudited).to.match(/lacks \+exec/);
    expect(told.removed).to.equal(true);
    // On a busy machine the opening may be late, which is a reason of its own.
    const reasons = told.reasons.filter((reason: string) => !/ms late$/.test(reason));
    expect(reasons).to.have.length(1);
    expect(reasons[0]).to.match(/^both stores could not be checked: /);
    expect(code).to.equal(told.reasons.length === 1 ? 11 : 8);
  });

  it("with all of them, both do their work", async () => {
    await grant(...AUDIT);
    expect((await couponVerify(service.url, id)).wrong).to.deep.equal([]);
  });

  it("a password that was changed meanwhile is told as that", async () => {
    await grant("resetpass", ">another");
    const { code, stderr } = await coupon(service.url, "verify", id);
    expect(stderr).to.match(/^coupon: Redis refuses the audit: .*WRONGPASS[^\n]*\n$/);
    expect(code).to.equal(3);
    await grant("resetpass", ">few");
  });
});
