import { BlockList } from "node:net";
import { expect } from "chai";
import { judge } from "../../campaign/preflight/judge.ts";
import { readConfig, SETTINGS } from "../../runtime/config.ts";
import { claimsReported } from "../../server/claims-reported.ts";
import { allGreen, seenProcess } from "../support/preflight-facts.ts";
import { type ComposeService, readComposeFile } from "./compose-file.ts";
import { readDockerfile } from "./dockerfile.ts";

/** Rights and limits that no process can show which runs without a container. */
describe("docker-compose.yml and Dockerfile, as they are written", () => {
  const { services, networks } = readComposeFile();
  const { stages, image } = readDockerfile();
  const ours = services.filter(({ isOurs }) => isOurs);
  const lasting = services.filter(
    ({ profiles, name }) => profiles.length === 0 && name !== "mongodb-replica-set",
  );
  /** Without the suffix by which a secret's file is named; what it holds is no matter here. */
  const configOf = ({ environment }: ComposeService) => {
    const all = Object.entries({ ...image.environment, ...environment });
    const plain = all.map(([name, value]) =>
      name.endsWith("_FILE") ? [name.slice(0, -5), exampleOf(name)] : [name, value],
    );
    return readConfig(Object.fromEntries(plain));
  };

  it("no service is root, writes its own files, gains rights, or logs without a bound", () => {
    for (const { name, ...service } of services) {
      const images = ["haproxy:", "prom/prometheus:", "grafana/grafana:"]; // users of their own, by their Dockerfiles
      const isUser = service.isOurs || images.some((one) => service.image.startsWith(one));
      if (!isUser) expect(service.user, `${name}: user`).to.be.oneOf(["redis", "mongodb", "node"]);
      expect(service.isReadOnly, `${name}: read_only`).to.equal(true);
      expect(service.droppedRights, `${name}: cap_drop`).to.deep.equal(["ALL"]);
      expect(service.securityOptions, name).to.deep.equal(["no-new-privileges:true"]);
      expect(service.logOptions, `${name}: logging`).to.have.all.keys("max-size", "max-file");
      expect(service.image, `${name}: image`).to.match(/^coupon-issuer:|:v?\d/);
    }
    for (const { name, limits } of lasting) expect(limits, name).to.include.keys("cpus", "memory");
    expect(image.user).to.equal("1000:1000");
  });

  it("haproxy alone is published, to this machine; the networks of servers and stores have no way out", () => {
    const published = services.filter((one) => one.published.length > 0 && one.profiles.length === 0);
    expect(published.map(({ name }) => name)).to.deep.equal(["haproxy"]);
    for (const port of services.flatMap((one) => one.published)) expect(port).to.match(/^127\.0\.0\.1:/);
    for (const name of ["proxy", "stores", "metrics"]) expect(networks[name]?.internal, name).to.equal(true);
    // What delivers events has a way out, and nothing else is in that network.
    for (const { name, networks: own, published: ports } of services)
      if (ports.length === 0)
        for (const one of own) {
          const isOut = one === "events" && /^events-\d$/.test(name);
          expect(networks[one]?.internal, `${name} in ${one}`).to.equal(isOut ? undefined : true);
        }
  });

  it("no address that a service has for itself may be given to another one", () => {
    const ranges = Object.values(networks).flatMap((network) => network?.ipam?.config ?? []);
    expect(ranges.length).to.equal(2);
    const listOf = (network: string) => {
      const list = new BlockList();
      const [address = "", bits] = network.split("/");
      list.addSubnet(address, Number(bits), "ipv4");
      return list;
    };
    const own = services.flatMap(({ addresses }) => addresses);
    expect(own.length).to.be.greaterThan(0);
    expect(new Set(own).size).to.equal(own.length);
    for (const address of own) {
      const within = ranges.filter(({ subnet }) => listOf(subnet).check(address));
      expect(within.map(({ subnet }) => subnet).length, address).to.equal(1);
      for (const range of within) expect(listOf(range.ip_range).check(address), address).to.equal(false);
    }
  });

  it("no secret is in an environment or a command", () => {
    for (const { name, environment, command = [], entrypoint = [] } of services) {
      const words = [
        ...Object.entries(environment).map(([key, value]) => `${key}=${value}`),
        ...command,
        ...entrypoint,
      ];
      for (const word of words) {
        const isNamed =
          /(PASSWORD|TOKEN|SECRET|_KEY|_URL)=/.test(word) && !/^COUPON_(PUBLIC_)?URL=/.test(word);
        expect(isNamed, `${name}: ${word}`).to.equal(false);
      }
    }
  });

  it("servers and schedulers have settings that the service knows, and takes", () => {
    for (const service of ours.filter(({ profiles }) => profiles.length === 0)) {
      for (const name of Object.keys(service.environment)) {
        const setting = SETTINGS.find((one) => one === name || `${one}_FILE` === name);
        expect(setting, `${service.name}: ${name}`).to.not.equal(undefined);
      }
      const config = configOf(service);
      expect(service.stopGraceMs, service.name).to.be.greaterThan(
        config.SHUTDOWN_DELAY_MS + config.DRAIN_DEADLINE_MS + 1_000,
      );
    }
    const roles = lasting.filter(({ isOurs }) => isOurs).map((one) => configOf(one).ROLES.join());
    expect(roles.filter((one) => one === "server").length).to.equal(3);
    expect(roles.filter((one) => one === "scheduler,generator").length).to.equal(2);
    expect(roles.filter((one) => one === "events").length).to.equal(2);
  });

  it("preflight is green about callers, whom its servers let come from other machines", () => {
    // Where the commands run as plain processes the servers listen on loopback: these lines are green anyway.
    const servers = lasting.filter(({ isOurs, name }) => isOurs && name.startsWith("server"));
    const value = servers.map((one, i) => {
      const claims = claimsReported(configOf(one));
      if (claims === undefined) throw new Error(`${one.name} takes no claims`);
      return seenProcess(i + 1, { claims });
    });
    expect(value.map(({ claims }) => claims?.reachable)).to.deep.equal([true, true, true]);
    const lines = judge({ ...allGreen, processes: { ok: true, value } });
    for (const check of ["claim-auth", "claim-limits"]) {
      const line = lines.find((one) => one.check === check);
      expect(line?.colour, line?.finding).to.equal("green");
    }
  });

  it("the image has no install script run and no dev dependency, and opens the ports that are served", () => {
    const runs = stages.flatMap(({ steps }) =>
      steps.filter(({ name }) => name === "RUN").map(({ rest }) => rest),
    );
    for (const one of runs.filter((text) => text.includes("npm ci")))
      expect(one).to.include("--ignore-scripts");
    for (const { from } of stages) expect(from).to.match(/^node:24-/);
    expect(image.labels).to.match(/org\.opencontainers\.image\.(title|licenses)/);
    const [server] = lasting.filter(({ name }) => name === "server-1");
    if (server === undefined) throw new Error("docker-compose.yml has no server-1");
    const { PORT, GRPC_PORT, OPERATORS_PORT, HEALTH_PORT } = configOf(server);
    expect(image.ports).to.have.members([PORT, GRPC_PORT, OPERATORS_PORT, HEALTH_PORT]);
  });
});

function exampleOf(name: string): string {
  if (name === "REDIS_URL_FILE") return "redis://redis:6379";
  return name === "MONGODB_URL_FILE" ? "mongodb://mongodb-1:27017" : "x".repeat(64);
}
