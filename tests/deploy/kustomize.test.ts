import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { parse } from "yaml";
import { programOnPath } from "../../local/program.mjs";
import { repositoryDir } from "../../local/repository.ts";
import { type Config, readConfig, SETTINGS } from "../../runtime/config.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { readDockerfile } from "./dockerfile.ts";
import { wrongBySchema } from "./kubernetes-schema.ts";
import {
  buildKustomization,
  containersOf,
  type Manifest,
  manifestsIn,
  podTemplateOf,
} from "./kustomization.ts";

type Env = { readonly name: string; readonly value: string };
type Port = { readonly name: string; readonly containerPort: number };
type Probe = { readonly httpGet: { readonly path: string; readonly port: string } };
type Container = {
  readonly image: string;
  readonly env?: readonly Env[];
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports: readonly Port[];
  readonly securityContext: object;
  readonly resources: { readonly limits: object; readonly requests: object };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
} & Readonly<Record<"startupProbe" | "readinessProbe" | "livenessProbe", Probe>>;
type PodSpec = {
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: {
    readonly runAsNonRoot: boolean;
    readonly runAsUser: number;
    readonly runAsGroup: number;
  };
  readonly volumes: readonly { readonly name: string; readonly secret?: Secret }[];
};
type Secret = {
  readonly secretName: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
};
type Selector = { readonly matchLabels: Readonly<Record<string, string>> };

const run = promisify(execFile);
const MADE_BY_KUBECTL = "tests/deploy/made-by-kubectl.json";

/** The keys of the Secret that base/settings.yaml names. */
const SECRET_KEYS = ["redis-url", "mongodb-url", "operator-keys", "claim-token-secret"];
const EXAMPLES: Readonly<Record<string, string>> = {
  REDIS_URL: "redis://redis.stores:6379",
  MONGODB_URL: "mongodb://mongodb.stores:27017",
  OPERATOR_KEYS: `kim:admin:${"0".repeat(64)}`,
  CLAIM_TOKEN_SECRET: "x".repeat(64),
};

for (const folder of ["base", "production", "elsewhere"])
  describe(`deploy/kustomize/${folder}`, () => {
    const { image } = readDockerfile();
    const manifests = buildKustomization(`deploy/kustomize/${folder}`);
    const ofKind = (kind: string) => manifests.filter((one) => one.kind === kind);
    const deployments = ofKind("Deployment");
    const named = (name: string) => deployments.find(({ metadata }) => metadata.name === name) ?? raise(name);
    const podOf = (one: Manifest) => podTemplateOf(one)?.spec as unknown as PodSpec;
    const containerOf = (one: Manifest) => containersOf(one)[0] as unknown as Container;
    const labelsOf = (one: Manifest) => podTemplateOf(one)?.metadata.labels ?? {};
    const selects = ({ matchLabels }: Selector, one: Manifest) =>
      Object.entries(matchLabels).every(([key, value]) => labelsOf(one)[key] === value);

    function environmentOf(one: Manifest): Record<string, string> {
      const { env = [], envFrom } = containerOf(one);
      const maps = envFrom.map(({ configMapRef }) => {
        const found = ofKind("ConfigMap").find(({ metadata }) => metadata.name === configMapRef.name);
        return (found ?? raise(configMapRef.name))["data"] as Record<string, string>;
      });
      return Object.assign({}, ...maps, Object.fromEntries(env.map(({ name, value }) => [name, value])));
    }

    /** The settings with which a container starts, with secrets of a shape that the service takes. */
    function configOf(one: Manifest): Config {
      const all = Object.entries({ ...image.environment, ...environmentOf(one) });
      const plain = all.map(([name, value]) => {
        const setting = name.replace(/_FILE$/, "");
        return setting === name ? [name, value] : [setting, EXAMPLES[setting]];
      });
      return readConfig(Object.fromEntries(plain));
    }

    it("is right by the schemas of Kubernetes, and has no field that they do not know", () => {
      expect(manifests.length).to.be.greaterThan(10);
      expect(manifests.flatMap(wrongBySchema)).to.deep.equal([]);
    });

    it("has settings that the service knows and takes, its secrets as files that are mounted", () => {
      for (const deployment of deployments) {
        const environment = environmentOf(deployment);
        const { volumes } = podOf(deployment);
        const { volumeMounts } = containerOf(deployment);
        const secret = volumes.find((volume) => volume.secret !== undefined);
        const mount = volumeMounts.find(({ name }) => name === secret?.name)?.mountPath ?? "";
        const keys = secret?.secret?.items?.map(({ path }) => path) ?? SECRET_KEYS;
        expect(SECRET_KEYS).to.include.members(keys);
        for (const [name, value] of Object.entries(environment)) {
          const known = SETTINGS.some((one) => one === name || `${one}_FILE` === name);
          expect(known, `${deployment.metadata.name}: ${name}`).to.equal(true);
          if (name.endsWith("_FILE"))
            expect(
              keys.map((key) => `${mount}/${key}`),
              name,
            ).to.include(value);
        }
        configOf(deployment);
      }
      expect(configOf(named("coupon-server")).ROLES).to.deep.equal(["server"]);
      expect(configOf(named("coupon-scheduler")).ROLES).to.deep.equal(["scheduler", "generator"]);
      expect(configOf(named("coupon-events")).ROLES).to.deep.equal(["events"]);
    });

    it("names the ports on which the container listens, in services, probes and policies alike", () => {
      for (const deployment of deployments) {
        const { PORT, GRPC_PORT, OPERATORS_PORT, HEALTH_PORT, ROLES } = configOf(deployment);
        const listens = {
          health: HEALTH_PORT,
          ...(ROLES.includes("server") ? { public: PORT, grpc: GRPC_PORT, operators: OPERATORS_PORT } : {}),
        };
        const { ports, startupProbe, readinessProbe, livenessProbe } = containerOf(deployment);
        const opened = Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort]));
        expect(opened).to.deep.equal(listens);
        for (const probe of [startupProbe, readinessProbe])
          expect(probe.httpGet).to.include({ path: "/readyz", port: "health" });
        expect(livenessProbe.httpGet).to.include({ path: "/livez", port: "health" });
      }
      const portsOf = (one: Manifest) => containerOf(one).ports.map(({ name }) => name);
      for (const service of ofKind("Service")) {
        const { selector, ports } = service["spec"] as {
          selector: Record<string, string>;
          ports: { targetPort: string }[];
        };
        const pods = deployments.filter((one) => selects({ matchLabels: selector }, one));
        expect(pods.length, service.metadata.name).to.be.greaterThan(0);
        for (const pod of pods)
          expect(portsOf(pod)).to.include.members(ports.map(({ targetPort }) => targetPort));
      }
      for (const policy of ofKind("NetworkPolicy")) {
        const { podSelector, ingress = [] } = policy["spec"] as {
          podSelector: Selector;
          ingress?: { ports: { port: string }[] }[];
        };
        const pods = deployments.filter((one) => selects(podSelector, one));
        expect(pods.length, policy.metadata.name).to.be.greaterThan(0);
        const allowed = ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
        for (const pod of pods) expect(portsOf(pod)).to.include.members(allowed);
      }
    });

    it("gives a pod the time to drain, and no right that it does not need", () => {
      for (const deployment of deployments) {
        const { SHUTDOWN_DELAY_MS, DRAIN_DEADLINE_MS } = configOf(deployment);
        const pod = podOf(deployment);
        const needsMs = SHUTDOWN_DELAY_MS + DRAIN_DEADLINE_MS + 1_000;
        expect(pod.terminationGracePeriodSeconds * 1_000, deployment.metadata.name).to.be.greaterThan(
          needsMs,
        );
        expect(pod.automountServiceAccountToken).to.equal(false);
        const { runAsNonRoot, runAsUser, runAsGroup } = pod.securityContext;
        expect([runAsNonRoot, `${runAsUser}:${runAsGroup}`]).to.deep.equal([true, image.user]);
        expect(containerOf(deployment).securityContext).to.deep.equal({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(containerOf(deployment).resources).to.have.keys("requests", "limits");
      }
    });

    it("keeps all but one pod of each kind through a disruption, and scales by a metric that there is", async () => {
      for (const deployment of deployments) {
        const budgets = ofKind("PodDisruptionBudget").filter((one) => {
          const { selector, maxUnavailable } = one["spec"] as { selector: Selector; maxUnavailable: number };
          return maxUnavailable === 1 && selects(selector, deployment);
        });
        expect(budgets.length, deployment.metadata.name).to.equal(1);
      }
      const [scaler] = ofKind("HorizontalPodAutoscaler");
      const spec = scaler?.["spec"] as {
        scaleTargetRef: { name: string };
        metrics: { pods: { metric: { name: string } } }[];
      };
      named(spec.scaleTargetRef.name);
      expect(named(spec.scaleTargetRef.name)["spec"], "the scaler's alone").to.not.have.property("replicas");
      const adapter = parse(
        readFileSync(join(repositoryDir, "deploy/kustomize/prometheus-adapter.yaml"), "utf8"),
      );
      const [rule] = adapter.rules.custom;
      expect(spec.metrics[0]?.pods.metric.name).to.equal(rule.name.as);
      const metrics = createMetrics();
      for (const queue of ["claims", "commits"]) metrics.queueDepth.set({ queue }, 1);
      const page = await metrics.registry.metrics();
      for (const queue of ["claims", "commits"]) {
        expect(page).to.include(`${rule.name.matches}{queue="${queue}"}`);
        expect(rule.metricsQuery).to.match(
          new RegExp(`^sum\\(${rule.name.matches}\\{.*queue=~"[^"]*\\b${queue}\\b`),
        );
      }
    });
  });

describe("what these tests compose of deploy/kustomize", () => {
  const nameOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
  const digestOf = (manifest: Manifest) =>
    createHash("sha256")
      .update(JSON.stringify(sorted(manifest)))
      .digest("hex")
      .slice(0, 16);

  /** The tag follows package.json, and is compared with it below. */
  const untagged = (manifests: readonly Manifest[]) =>
    JSON.parse(JSON.stringify(manifests).replaceAll(/(coupon-issuer):\d[^"]*/g, "$1:TAG")) as Manifest[];

  it("is what kubectl 1.32 (kustomize 5.5) made of it when deploy/kustomize was changed last", () => {
    const composed = untagged(buildKustomization("deploy/kustomize/elsewhere"));
    const digests = Object.fromEntries(composed.map((one) => [nameOf(one), digestOf(one)]));
    const made = JSON.parse(readFileSync(join(repositoryDir, MADE_BY_KUBECTL), "utf8"));
    const help = `After a change of deploy/kustomize, and where kubectl is on PATH, write these digests to ${MADE_BY_KUBECTL} once the test beside this one is green.`;
    expect(digests, help).to.deep.equal(made);
  });

  // Not on every machine: the digests above are from one that has it.
  if (programOnPath("kubectl") !== undefined)
    for (const folder of ["base", "production", "elsewhere"])
      it(`is what kubectl on this machine makes of it: ${folder}`, async () => {
        const path = join(repositoryDir, "deploy/kustomize", folder);
        const { stdout } = await run("kubectl", ["kustomize", path]);
        const byName = (manifests: readonly Manifest[]) =>
          Object.fromEntries(manifests.map((one) => [nameOf(one), sorted(one)]));
        expect(byName(buildKustomization(`deploy/kustomize/${folder}`))).to.deep.equal(
          byName(manifestsIn(stdout)),
        );
      });
});

describe("the overlay deploy/kustomize/elsewhere", () => {
  const policies = buildKustomization("deploy/kustomize/elsewhere").filter(
    ({ kind }) => kind === "NetworkPolicy",
  );
  const egressOf = (name: string) => {
    const policy = policies.find(({ metadata }) => metadata.name === name) ?? raise(name);
    const { egress, podSelector } = policy["spec"] as {
      egress: { ports: { port: number }[] }[];
      podSelector: Selector;
    };
    return [
      Object.values(podSelector.matchLabels)[0],
      ...egress.flatMap(({ ports }) => ports.map(({ port }) => port)),
    ];
  };

  it("lets all processes through to Sentinels and stores elsewhere, and servers alone to https", () => {
    expect(egressOf("coupon-sentinels")).to.deep.equal(["coupon-issuer", 26_379]);
    expect(egressOf("coupon-mongodb-elsewhere")).to.deep.equal(["coupon-issuer", 27_017]);
    expect(egressOf("coupon-https")).to.deep.equal(["coupon-server", 443]);
  });

  it("replaces the namespaces of callers and operators, and no port", () => {
    const namesIn = (one: unknown) =>
      [...JSON.stringify(one).matchAll(/metadata\.name":"([^"]+)/g)].map(([, name]) => name);
    const [server] = policies.filter(({ metadata }) => metadata.name === "coupon-server");
    expect(namesIn(server)).to.deep.equal(["ingress-nginx", "shop-operations"]);
    const before = buildKustomization("deploy/kustomize/production").find(
      ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === "coupon-server",
    );
    const portsOf = (one: Manifest = raise("NetworkPolicy coupon-server")) =>
      (one["spec"] as { ingress: { ports: object[] }[] }).ingress.map(({ ports }) => ports);
    expect(portsOf(server)).to.deep.equal(portsOf(before));
  });
});

describe("the overlay deploy/kustomize/production", () => {
  const manifests = buildKustomization("deploy/kustomize/production");

  it("puts all into its namespace, with its image and settings", () => {
    for (const { metadata } of manifests) expect(metadata.namespace, metadata.name).to.equal("coupons");
    const images = manifests.flatMap((one) => containersOf(one).map(({ image }) => image));
    const { version } = JSON.parse(readFileSync(join(repositoryDir, "package.json"), "utf8"));
    expect(new Set(images)).to.deep.equal(new Set([`registry.example/coupon-issuer:${version}`]));
    const settings = manifests.find(
      ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "coupon-server",
    );
    expect(settings?.["data"]).to.include({ TRUST_PROXY: "10.42.0.0/16", CLAIM_AUTH: "token" });
  });

  it("is judged: a wrong type, a missing field and an unknown one are found", () => {
    const broken = (change: (spec: Record<string, unknown>) => void) => {
      const copy =
        structuredClone(manifests.find(({ kind }) => kind === "Deployment")) ?? raise("Deployment");
      change(copy["spec"] as Record<string, unknown>);
      return wrongBySchema(copy).join();
    };
    expect(broken(() => {})).to.equal("");
    expect(broken((spec) => Object.assign(spec, { minReadySeconds: "5" }))).to.match(/minReadySeconds/);
    expect(broken((spec) => delete spec["selector"])).to.match(/selector/);
    const unknown = broken((spec) => {
      const { spec: pod } = spec["template"] as { spec: Record<string, unknown> };
      Object.assign(pod, { terminationGracePeriod: 30 });
    });
    expect(unknown).to.match(/\/spec\/template\/spec\/terminationGracePeriod is no field/);
  });
});

/** The same tree with its names in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}

function raise(name: string): never {
  throw new Error(`there is no ${name}`);
}
