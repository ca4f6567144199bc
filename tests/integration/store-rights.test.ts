import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { coupon, couponVerify } from "../support/coupon-verify.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { type CommandRecorder, recordCommands } from "../support/recorded-commands.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { sharedStack } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const shipped = readFileSync(join(repositoryDir, "deploy/make-secrets.sh"), "utf8");
const page = readFileSync(join(repositoryDir, "docs/operations.md"), "utf8")
  .replace(/\s*\\\n\s*/g, " ")
  // In a table.
  .replaceAll("\\|", "|");
/** The rights of the Redis user of docker-compose.yml. */
const RIGHTS = /~cp:\* (\+[^']*)'$/m.exec(shipped)?.[1]?.split(" ") ?? [];
const TOKEN = "an-operators-token";

/** What MongoDB lets anybody run, and what its built-in role readWrite allows on the role's own database. */
const OF_ANYBODY = [
  "hello",
  "isMaster",
  "ismaster",
  "ping",
  "buildInfo",
  "endSessions",
  "saslStart",
  "saslContinue",
];
const OF_READ_WRITE = [
  ...["find", "getMore", "killCursors", "aggregate", "count", "distinct", "insert", "update", "delete"],
  ...[
    "findAndModify",
    "bulkWrite",
    "createIndexes",
    "listIndexes",
    "listCollections",
    "create",
    "collStats",
    "dbStats",
  ],
];

describe("stores whose users have the rights of docs/operations.md and no more", () => {
  const stores = withStores();
  let redis: OwnRedis;
  let recorder: CommandRecorder;
  let services: Services;
  let service: Service;
  let clients: Clients;
  let id = "";

  const grant = (...rights: readonly string[]) =>
    redis.raw.sendCommand(["ACL", "SETUSER", "coupons", ...rights]);

  before(async () => {
    redis = await ownRedis();
    await grant("reset", "on", ">rights-pw", "~cp:*", ...RIGHTS);
    const { mongodb } = await sharedStack();
    recorder = await recordCommands(mongodb);
    const { port } = redis.store;
    services = createServices({
      ...stores.env,
      REDIS_URL: `redis://coupons:rights-pw@127.0.0.1:${port}`,
      MONGODB_URL: `mongodb://127.0.0.1:${recorder.port}/?directConnection=true`,
      OPERATOR_TOKEN: TOKEN,
    });
    service = await services.start();
    clients = connectClients(service.url, { token: TOKEN });
    ({ id } = await createCampaign(clients, { total: 3 }));
    await untilState(clients, id, "OPEN");
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      await recorder?.close();
      await redis?.close();
    }
  });

  it("deploy/make-secrets.sh and the page name the same rights, and the default user is off", () => {
    expect(RIGHTS.length).to.be.greaterThan(25);
    for (const right of RIGHTS) expect(page, right).to.include(right);
    expect(shipped).to.match(/^user default off$/m);
  });

  it("a sale, preflight and verify need no other right of Redis", async () => {
    const issue = (user: string) =>
      clients.coupons.issueCoupon({ campaignId: id, userId: `${KEY_PREFIX}${user}` });
    const first = await issue("a");
    expect((await issue("a")).coupon?.code).to.equal(first.coupon?.code);
    await clients.campaigns.pauseCampaign({ campaignId: id });
    const { lines } = await clients.campaigns.preflightCampaign({ campaignId: id });
    const ofRedis = lines.filter(({ check }) => check.startsWith("redis-"));
    expect(ofRedis.length).to.be.greaterThan(2);
    expect(ofRedis.filter(({ finding }) => /NOPERM|right/.test(finding))).to.deep.equal([]);
    await clients.campaigns.resumeCampaign({ campaignId: id });
    await clients.campaigns.addCoupons({ campaignId: id, count: 2 });
    for (const user of ["b", "c", "d", "e"]) await issue(user).catch(() => undefined);
    const verified = await couponVerify(service.url, id, "--token", TOKEN);
    expect(verified.wrong).to.deep.equal([]);
    expect(verified.stores.issued).to.be.greaterThan(0);
  });

  it("without one right of the audit, verify names it", async () => {
    await grant("-hscan");
    const { code, stderr } = await coupon(service.url, "verify", id, "--token", TOKEN);
    expect(stderr).to.match(/its user coupons lacks \+hscan \(/);
    expect(code).to.equal(3);
    await grant("+hscan");
  });

  it("what was sent to MongoDB is within readWrite on the service's own database", () => {
    const names = recorder.commands.map(({ name }) => name);
    for (const name of ["insert", "find", "update", "createIndexes"]) expect(names).to.include(name);
    const beyond = recorder.commands.filter(
      ({ name, database }) =>
        !OF_ANYBODY.includes(name) &&
        !(OF_READ_WRITE.includes(name) && database === stores.env.MONGODB_DATABASE) &&
        !(name === "replSetGetStatus" && database === "admin"),
    );
    expect(beyond).to.deep.equal([]);
  });
});
