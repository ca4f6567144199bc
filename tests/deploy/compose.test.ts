import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { claimsOf, secretMaker } from "../support/claim-credentials.ts";
import { inParallel } from "../support/in-parallel.ts";
import { HANG_MS } from "../support/patience.ts";
import { addressOf, isHealthy, mapped, mountedAt } from "./container.ts";
import { type Deployment, folderForAll, prepareDeployment } from "./deployment.ts";
import { readDockerfile } from "./dockerfile.ts";
import { imageTree } from "./image-tree.ts";
import { withFile } from "./with-file.ts";

const COUPONS = 300;
const USERS = 330;
const AT_ONCE = 16;
/** A bound against hanging: it takes ten seconds, and up to a minute for the packages. */
const UP_MS = 5 * HANG_MS;
const SERVERS = ["server-1", "server-2", "server-3"];

type Answer = { readonly status: number; readonly text: string };

describe("docker-compose.yml, its commands run one by one as plain processes", () => {
  let image: ReturnType<typeof folderForAll>;
  let tree = "";
  let deployment: Deployment;
  let campaignId = "";

  before(async function () {
    this.timeout(UP_MS);
    image = folderForAll();
    tree = await imageTree(readDockerfile().stages, image.path);
    deployment = await prepareDeployment({ tree });
    await deployment.up();
  });
  after(async () => {
    await deployment?.close();
    image?.remove();
  });

  const at = (name: string, port: number) =>
    `http://${addressOf(deployment.ground, deployment.service(name))}:${port}`;

  async function claim(authorization: string): Promise<Answer> {
    const response = await fetch(`${at("haproxy", 8080)}/coupon.v1.CouponService/IssueCoupon`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify({ campaignId }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Asks again with the same token until the answer is definite, as callers do. */
  async function claimUntilKnown(authorization: string): Promise<Answer> {
    let answer: Answer = { status: 0, text: "" };
    const isKnown = async () => {
      answer = await claim(authorization);
      return answer.status === 200 || answer.text.includes("SOLD_OUT") || answer.status === 401;
    };
    if (!(await until(isKnown, HANG_MS, 50))) throw new Error(`no definite answer: ${answer.text}`);
    return answer;
  }

  it("the image has the packages of production alone, none of which has an install script", () => {
    const { tree, image } = deployment.ground;
    const modules = join(tree, image.folder, "node_modules");
    const lock = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8"));
    const packages = Object.entries<{ hasInstallScript?: boolean }>(lock.packages);
    expect(packages.length).to.be.greaterThan(50);
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)).to.deep.equal([]);
    const manifest = JSON.parse(readFileSync(join(repositoryDir, "package.json"), "utf8"));
    const here = packages.map(([path]) => path.replace(/^node_modules\//, ""));
    expect(here).to.include.members(Object.keys(manifest.dependencies));
    // bson belongs to the driver of MongoDB, too.
    const dev = Object.keys(manifest.devDependencies).filter((name) => name !== "bson");
    expect(here.filter((name) => dev.includes(name))).to.deep.equal([]);
    expect(readdirSync(join(tree, image.folder))).to.include.members(["dist", "cli", "package.json"]);
  });

  /** Creates a campaign, and looks until preflight is green: on a busy machine a write may take long. */
  async function createdAndGreen({
    coupon,
  }: Deployment): Promise<{ readonly id: string; readonly told: string }> {
    const made = await coupon(
      ...[
        "create",
        "--json",
        "--name",
        "Launch",
        "--total",
        String(COUPONS),
        "--start",
        "+1h",
        "--one-per-user",
      ],
    );
    expect(made.code, made.stderr).to.equal(0);
    expect(made.stderr, "the file of the token").to.not.include("others can read");
    const id = /"id": ?"([^"]+)"/.exec(made.stdout)?.[1] ?? "";
    let seen = { code: -1, stdout: "", stderr: "" };
    const isGreen = async () => {
      seen = await coupon("preflight", id);
      return seen.code === 0;
    };
    expect(await until(isGreen, HANG_MS, 500), `${seen.stdout}${seen.stderr}`).to.equal(true);
    return { id, told: seen.stdout };
  }

  /** The profile demo; on a busy machine the shadow may open late, which fails that rehearsal and no test. */
  async function rehearse({ runToEnd }: Deployment): Promise<void> {
    const { output } = await runToEnd("demo");
    expect(output).to.match(/rehearsal: (GOOD|NOT GOOD\n {2}! it opened [\d,]+ ms late)\n(?! {2}!)/);
  }

  it("a campaign is created by the operators' command, and preflight is green", async () => {
    const { id, told } = await createdAndGreen(deployment);
    campaignId = id;
    expect(told).to.include("replica set rs0: 3 of 3 members are healthy");
    for (const words of [/servers .*3 alive/, /schedulers .*2 alive/]) expect(told).to.match(words);
  });

  it("it is sold out by users with tokens, through haproxy and all three servers, and verified", async () => {
    const { coupon, secret } = deployment;
    const moved = await coupon("reschedule", campaignId, "--start", "+3s", "--yes");
    expect(moved.code, moved.stderr).to.equal(0);
    const maker = secretMaker(secret("claim-token-secret"));
    const { CLAIM_TOKEN_AUDIENCE: aud } = deployment.service("server-1").environment;
    const users = Array.from(
      { length: USERS },
      (_, i) => `Bearer ${maker.sign(claimsOf(`user-${i}`, { aud }))}`,
    );
    const answers = await inParallel(users, AT_ONCE, claimUntilKnown);
    const codes = answers.flatMap(({ text }) => /"code":"([^"]+)","campaignId"/.exec(text)?.[1] ?? []);
    expect(new Set(codes).size).to.equal(COUPONS);
    expect(answers.filter(({ text }) => text.includes("SOLD_OUT")).length).to.equal(USERS - COUPONS);
    const forged = secretMaker("x".repeat(64)).sign(claimsOf("user-0", { aud }));
    expect((await claim(`Bearer ${forged}`)).status).to.equal(401);
    for (const name of SERVERS) {
      const page = await fetch(`${at(name, 8090)}/metrics`).then((response) => response.text());
      expect(page, name).to.match(/^coupon_claims_total\{outcome="issued"\} [1-9]/m);
    }
    const verified = await coupon("verify", campaignId);
    expect(verified.code, verified.stdout).to.equal(0);
  });

  it("the profile demo rehearses a launch in it", () => rehearse(deployment));

  it("each target of Prometheus has metrics", async () => {
    const { scrape_configs: jobs } = parse(
      readFileSync(join(repositoryDir, "deploy/prometheus.yml"), "utf8"),
    );
    const targets: string[] = jobs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
      job.static_configs.flatMap((one) => one.targets),
    );
    const prometheus = deployment.service("prometheus");
    for (const target of targets) {
      const host = mapped(deployment.ground, prometheus, target);
      const response = await fetch(`http://${host}/metrics`);
      expect(response.status, target).to.equal(200);
      expect(await response.text(), target).to.match(/^# TYPE (coupon|haproxy)_/m);
    }
    const ours = deployment.ground.services.filter(({ isOurs, profiles }) => isOurs && profiles.length === 0);
    expect(targets).to.include.members([...ours.map(({ name }) => `${name}:8090`), "haproxy:8404"]);
  });

  it("the healthcheck of Redis fails where the password is wrong", async () => {
    const { ground } = deployment;
    const redis = deployment.service("redis");
    expect(await isHealthy(ground, redis)).to.equal(true);
    const file = mountedAt(ground, redis, "/run/secrets/redis-password");
    await withFile(file, "another", async () => expect(await isHealthy(ground, redis)).to.equal(false));
    expect(await isHealthy(ground, redis)).to.equal(true);
  });

  it("the healthcheck of a server fails while it drains, and each process ends well", async () => {
    const { ground } = deployment;
    const server = deployment.service("server-1");
    const ending = deployment.container("server-1").stop(HANG_MS);
    let isOver = false;
    void ending.then(() => {
      isOver = true;
    });
    let drained = false;
    await until(async () => {
      const isWell = await isHealthy(ground, server);
      drained ||= !isWell && !isOver;
      return drained || isOver;
    }, HANG_MS);
    expect(drained, "not healthy, and not ended").to.equal(true);
    expect(await ending).to.equal(0);
    const codes = await deployment.down();
    expect([...codes.keys()]).to.include.members(["haproxy", "server-2", "server-3", "scheduler-1", "redis"]);
    expect([...codes].filter(([, code]) => code !== 0)).to.deep.equal([]);
    for (const name of ["redis-password", "mongodb-password", "operator-token", "claim-token-secret"])
      expect(deployment.output(), name).to.not.include(deployment.secret(name));
  });

  it("with the profile cluster all of it runs on a Redis Cluster of six nodes", async function () {
    this.timeout(UP_MS);
    const variables = { REDIS: "redis-cluster" };
    const clustered = await prepareDeployment({ tree, profiles: ["cluster"], variables });
    try {
      await clustered.up();
      const { told } = await createdAndGreen(clustered);
      expect(told).to.match(/redis-slot .*of the cluster, at rest/);
      expect(told).to.match(/redis-role .*role master, 1 replica/);
      await rehearse(clustered);
    } finally {
      await clustered.close();
    }
  });
});
