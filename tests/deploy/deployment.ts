import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { exitNumber, inheritedEnvironment } from "../../local/child.ts";
import { startMongodb } from "../../local/mongodb-server.ts";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import type { Store } from "../../local/store.ts";
import { loopbackNetwork } from "../support/loopback-network.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { type ComposeService, readComposeFile, type Variables } from "./compose-file.ts";
import { addressOf, type Container, type Ground, isHealthy, startContainer } from "./container.ts";
import { readDockerfile } from "./dockerfile.ts";
import { type ReplicaSet, startReplicaSet } from "./mongodb-stand-in.ts";

const run = promisify(execFile);
const SECRETS = "deploy/secrets/";

/** docker-compose.yml as it runs on this machine. */
export type Deployment = {
  readonly ground: Ground;
  readonly replicaSet: ReplicaSet;
  /** The process of a service that runs. */
  container(name: string): Container;
  service(name: string): ComposeService;
  /** Starts the services that need no profile, each when what it depends on is as it demands. */
  up(): Promise<void>;
  /** Runs a service to its end, as `docker compose run` does. */
  runToEnd(name: string): Promise<{ readonly code: number; readonly output: string }>;
  /** Runs `coupon` of the image on this machine, with the operators' token. */
  coupon(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  secret(name: string): string;
  output(): string;
  /** Stops what runs, what was started last first; the exit codes. */
  down(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
};

/** A temporary folder that user 1000 of the image can read, too. */
export function folderForAll(): ReturnType<typeof temporaryDir> {
  const dir = temporaryDir();
  chmodSync(dir.path, 0o755);
  return dir;
}

const isMongo = ({ image }: ComposeService) => image.startsWith("mongo:");
const isMember = (service: ComposeService) => isMongo(service) && service.command?.[0] === "mongod";

export type Wanted = {
  /** `/` of the image, which `imageTree` makes. */
  readonly tree: string;
  /** Those that are asked for, beside the services that need none. */
  readonly profiles?: readonly string[];
  readonly variables?: Variables;
};

export async function prepareDeployment({
  tree,
  profiles = [],
  variables = {},
}: Wanted): Promise<Deployment> {
  const dir = folderForAll();
  const { services } = readComposeFile(variables);
  const { image } = readDockerfile();
  const network = await loopbackNetwork();
  // deploy/make-secrets.sh writes beside itself: a copy of it leaves the clone as it is.
  const scripts = join(dir.path, "deploy");
  mkdirSync(scripts);
  cpSync(join(repositoryDir, "deploy/make-secrets.sh"), join(scripts, "make-secrets.sh"));
  await run("sh", [join(scripts, "make-secrets.sh")]);
  const secretFile = (name: string) => join(scripts, "secrets", name);
  const ground: Ground = {
    ...{ network, services, image, tree },
    dir: dir.path,
    fileOf: (file) => (file.startsWith(SECRETS) ? secretFile(basename(file)) : join(repositoryDir, file)),
  };
  const engine: Store = await startMongodb({ dir: join(dir.path, "mongodb") });
  const members = services.filter(isMember);
  const [member] = members;
  const replicaSet = await startReplicaSet({
    name: member?.command?.[(member.command?.indexOf("--replSet") ?? -2) + 1] ?? "",
    addresses: new Map(members.map((one) => [one.name, addressOf(ground, one)])),
    engine,
  });

  const started = new Map<string, Container>();
  const service = (name: string) => {
    const found = services.find((one) => one.name === name);
    if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return found;
  };

  /** The scripts of the database run against the stand-in, as they are. */
  function runScripts(one: ComposeService): void {
    const fileAt = (path: string) => one.mounts.find(({ target }) => target === path)?.file ?? "";
    const readFile = (path: string) => readFileSync(ground.fileOf(fileAt(path)), "utf8");
    const words = [...(one.entrypoint ?? []), ...one.mounts.map(({ target }) => target)];
    for (const script of new Set(words.filter((word) => word.endsWith(".js"))))
      if (replicaSet.runScript(readFile(script), readFile) !== 0) throw new Error(`${script} failed`);
  }

  async function start(one: ComposeService): Promise<void> {
    if (isMongo(one)) runScripts(one);
    else started.set(one.name, startContainer(ground, one));
  }

  async function isAs(condition: string, name: string): Promise<boolean> {
    const one = service(name);
    const container = started.get(name);
    if (condition === "service_started") return container !== undefined || isMongo(one);
    if (condition === "service_completed_successfully")
      return isMongo(one) ? replicaSet.isMade : container !== undefined && (await endedWell(name, container));
    if (condition === "service_healthy") return isMongo(one) ? replicaSet.isMade : isHealthy(ground, one);
    throw new Error(`${name}: ${condition} is no condition`);
  }

  async function endedWell(name: string, { exited, output }: Container): Promise<boolean> {
    const code = exitNumber(await exited);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${output().slice(-2_000)}`);
    return true;
  }

  const isWanted = (one: ComposeService) =>
    one.profiles.length === 0 || one.profiles.some((profile) => profiles.includes(profile));

  async function whenDependenciesAre({ name, dependsOn }: ComposeService): Promise<void> {
    for (const { name: on, condition, isRequired } of dependsOn) {
      if (!isRequired && !isWanted(service(on))) continue;
      const settled = await until(() => isAs(condition, on), HANG_MS, 200);
      if (!settled)
        throw new Error(`${name}: ${on} is not ${condition}: ${started.get(on)?.output().slice(-2_000)}`);
    }
  }

  /** As Compose does: a service once all that depend on it have ended. */
  async function stop(
    one: ComposeService,
    codes: Map<string, number>,
    under: Map<string, Promise<void>>,
  ): Promise<void> {
    const above = services.filter(({ dependsOn }) => dependsOn.some(({ name }) => name === one.name));
    await Promise.all(above.map((other) => stopOnce(other, codes, under)));
    const container = started.get(one.name);
    if (container === undefined) return;
    codes.set(one.name, await container.stop(HANG_MS));
    started.delete(one.name);
  }

  function stopOnce(
    one: ComposeService,
    codes: Map<string, number>,
    under: Map<string, Promise<void>>,
  ): Promise<void> {
    const stopping = under.get(one.name) ?? stop(one, codes, under);
    under.set(one.name, stopping);
    return stopping;
  }

  async function down(): Promise<Map<string, number>> {
    const codes = new Map<string, number>();
    const under = new Map<string, Promise<void>>();
    await Promise.all(services.map((one) => stopOnce(one, codes, under)));
    return codes;
  }

  return {
    ground,
    replicaSet,
    service,
    container(name) {
      const found = started.get(name);
      if (found === undefined) throw new Error(`${name} does not run`);
      return found;
    },
    async up() {
      const left = services.filter(isWanted);
      while (left.length > 0) {
        const ready = left.filter(
          ({ dependsOn }) => !dependsOn.some(({ name }) => left.includes(service(name))),
        );
        if (ready.length === 0) throw new Error("depends_on of docker-compose.yml goes in a circle");
        await Promise.all(
          ready.map(async (one) => {
            await whenDependenciesAre(one);
            await start(one);
          }),
        );
        for (const one of ready) left.splice(left.indexOf(one), 1);
      }
      await whenDependenciesAre(service("demo"));
    },
    async runToEnd(name) {
      await whenDependenciesAre(service(name));
      const container = startContainer(ground, service(name));
      const code = exitNumber(await container.exited);
      return { code, output: container.output() };
    },
    async coupon(...args) {
      const haproxy = addressOf(ground, service("haproxy"));
      const env = {
        ...inheritedEnvironment(),
        XDG_CONFIG_HOME: "/nonexistent",
        COUPON_URL: `http://${haproxy}:8081`,
        COUPON_PUBLIC_URL: `http://${haproxy}:8080`,
        COUPON_TOKEN_FILE: secretFile("coupon-token"),
        CLAIM_TOKEN_SECRET_FILE: secretFile("claim-token-secret"),
        CLAIM_TOKEN_AUDIENCE: service("server-1").environment["CLAIM_TOKEN_AUDIENCE"] ?? "",
      };
      const command = join(ground.tree, ground.image.folder, "cli/coupon.mjs");
      return new Promise((resolve) => {
        const child = execFile(process.execPath, [command, ...args], { env }, (_, stdout, stderr) =>
          resolve({ code: child.exitCode ?? -1, stdout, stderr }),
        );
      });
    },
    secret: (name) => readFileSync(secretFile(name), "utf8").trim(),
    output: () => [...started.values()].map((one) => one.output()).join(""),
    down,
    async close() {
      await down();
      await replicaSet.close();
      await engine.stop();
      await network.close();
      dir.remove();
    },
  };
}
