import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repositoryDir } from "../../local/repository.ts";

/** A service of docker-compose.yml, in one spelling of each thing that Compose lets be spelt in several. */
export type ComposeService = {
  readonly name: string;
  readonly image: string;
  /** Whether it is the image of this repository's Dockerfile. */
  readonly isOurs: boolean;
  readonly user: string | undefined;
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Secrets and configs: where a file of the repository is in the container. */
  readonly mounts: readonly { readonly target: string; readonly file: string }[];
  readonly dependsOn: readonly Dependency[];
  /** `CMD` or `CMD-SHELL` and what follows; undefined: that of the image. */
  readonly healthcheck: readonly string[] | undefined;
  readonly profiles: readonly string[];
  /** Addresses that it has in networks. */
  readonly addresses: readonly string[];
  readonly networks: readonly string[];
  /** `ports:`, each as it is written. */
  readonly published: readonly string[];
  readonly isReadOnly: boolean;
  readonly droppedRights: readonly string[];
  readonly securityOptions: readonly string[];
  readonly stopGraceMs: number;
  readonly logOptions: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string | number>>;
};

/** `isRequired`: also where the other one's profile is not asked for. */
export type Dependency = { readonly name: string; readonly condition: string; readonly isRequired: boolean };

export type ComposeFile = {
  readonly services: readonly ComposeService[];
  readonly networks: Readonly<Record<string, Network | null>>;
};

type Network = {
  readonly internal?: boolean;
  readonly ipam?: { readonly config: readonly { readonly subnet: string; readonly ip_range: string }[] };
};

/** Variables of the environment, or of a file .env. */
export type Variables = Readonly<Record<string, string>>;

type Raw = Record<string, unknown>;
const DEFAULT_GRACE = "10s";

export function readComposeFile(variables: Variables = {}): ComposeFile {
  const text = readFileSync(join(repositoryDir, "docker-compose.yml"), "utf8");
  const tree = interpolated(parse(text, { merge: true }), variables) as Raw;
  const files = { secrets: filesOf(tree["secrets"]), configs: filesOf(tree["configs"]) };
  const services = Object.entries(record(tree["services"]));
  return {
    services: services.map(([name, service]) => serviceOf(name, record(service), files)),
    networks: record(tree["networks"]) as ComposeFile["networks"],
  };
}

/** `$$` is a dollar, `${NAME:-default}` a variable. */
function interpolated(value: unknown, variables: Variables): unknown {
  if (typeof value === "string")
    return value.replace(
      /\$(?:(\$)|\{(\w+)(?::-([^}]*))?\})/g,
      (_, dollar?: string, name = "", given?: string) => {
        if (dollar !== undefined) return "$";
        const found = variables[name] ?? given;
        if (found === undefined) throw new Error(`docker-compose.yml needs the variable ${name}`);
        return found;
      },
    );
  if (Array.isArray(value)) return value.map((one) => interpolated(one, variables));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, interpolated(inner, variables)]),
  );
}

function serviceOf(
  name: string,
  raw: Raw,
  files: { readonly secrets: Map<string, string>; readonly configs: Map<string, string> },
): ComposeService {
  const networks = raw["networks"];
  const settled = Array.isArray(networks) ? {} : record(networks);
  const addresses = Object.values(settled).flatMap((one) => words(record(one)["ipv4_address"]));
  const secrets = list(raw["secrets"]).map((one) => mountOf(one, files.secrets, "/run/secrets/"));
  const configs = list(raw["configs"]).map((one) => mountOf(one, files.configs, "/"));
  const dependsOn = raw["depends_on"];
  return {
    name,
    image: String(raw["image"]),
    isOurs: raw["build"] !== undefined,
    user: raw["user"] === undefined ? undefined : String(raw["user"]),
    entrypoint: raw["entrypoint"] === undefined ? undefined : words(raw["entrypoint"]),
    command: raw["command"] === undefined ? undefined : words(raw["command"]),
    environment: Object.fromEntries(
      Object.entries(record(raw["environment"])).map(([key, value]) => [key, String(value)]),
    ),
    mounts: [...secrets, ...configs],
    dependsOn: Array.isArray(dependsOn)
      ? dependsOn.map((one) => ({ name: String(one), condition: "service_started", isRequired: true }))
      : Object.entries(record(dependsOn)).map(([on, how]) => ({
          name: on,
          condition: String(record(how)["condition"]),
          isRequired: record(how)["required"] !== false,
        })),
    healthcheck: raw["healthcheck"] === undefined ? undefined : words(record(raw["healthcheck"])["test"]),
    profiles: words(raw["profiles"]),
    addresses,
    networks: Array.isArray(networks) ? networks.map(String) : Object.keys(settled),
    published: words(raw["ports"]),
    isReadOnly: raw["read_only"] === true,
    droppedRights: words(raw["cap_drop"]),
    securityOptions: words(raw["security_opt"]),
    stopGraceMs: Number.parseFloat(String(raw["stop_grace_period"] ?? DEFAULT_GRACE)) * 1_000,
    logOptions: record(record(raw["logging"])["options"]) as Record<string, string>,
    limits: record(record(record(raw["deploy"])["resources"])["limits"]) as Record<string, string>,
  };
}

function filesOf(section: unknown): Map<string, string> {
  return new Map(
    Object.entries(record(section)).map(([name, one]) => {
      const { file } = record(one);
      if (typeof file !== "string")
        throw new Error(`${name} is no file: Compose refuses it for a service that is read-only`);
      return [name, file];
    }),
  );
}

function mountOf(one: unknown, files: Map<string, string>, folder: string) {
  const source = typeof one === "string" ? one : String(record(one)["source"]);
  const target = typeof one === "string" ? `${folder}${source}` : String(record(one)["target"]);
  const file = files.get(source);
  if (file === undefined) throw new Error(`docker-compose.yml has no ${source}`);
  return { target, file };
}

function record(value: unknown): Raw {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Raw;
  throw new Error(`a mapping was expected, not ${JSON.stringify(value)}`);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function words(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
