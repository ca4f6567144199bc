import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import { builtProduct } from "../../local/built.ts";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";
import { troubleIn } from "../../local/env-lines.mjs";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { readConfig, SETTINGS } from "../../runtime/config.ts";
import { HANG_MS } from "../support/patience.ts";
import { sharedStack } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe(".env: lines", () => {
  const good = [
    "",
    "# it's a comment",
    "PORT=8080",
    "export PORT=8080",
    "PORT = 8080 # a comment",
    "PORT=",
    'OPERATOR_TOKEN="with # and blank"',
    "OPERATOR_TOKEN='single' # a comment",
    "REDIS_URL=redis://h:1/0?a=b",
  ];
  for (const line of good) {
    it(`${JSON.stringify(line)} is read as it stands`, () => {
      expect(troubleIn(`A=1\n${line}\r\nB=2\n`)).to.equal(undefined);
      // Node also reads the lines before and after it.
      expect(parseEnv(`A=1\n${line}\r\nB=2\n`)).to.include({ A: "1", B: "2" });
    });
  }

  const bad: [line: string, said: RegExp][] = [
    ["PORT 8080", /^:2: must be NAME=value, a comment that begins with # in the first column, or empty$/],
    ["  # a comment", /^:2: must be NAME=value/],
    ["  ", /^:2: must be NAME=value/],
    ["PORT=\t8080", /^:2: PORT: a value with a tab in it must be in quotes$/],
    ["=8080", /^:2: must be NAME=value/],
    ["\ufeffPORT=8080", /^:2: must be NAME=value/],
    ['OPERATOR_TOKEN="hunter2hunter2', /^:2: OPERATOR_TOKEN: the quote must end on the same line/],
    ['OPERATOR_TOKEN="hunter2" hunter2', /^:2: OPERATOR_TOKEN: the quote must end/],
    ["OPERATOR_TOKEN=hunter2#hunter2", /^:2: OPERATOR_TOKEN: a value with a # in it must be in quotes$/],
  ];
  for (const [line, said] of bad) {
    it(`${JSON.stringify(line)} is refused, by its number and without its value`, () => {
      expect(troubleIn(`A=1\n${line}\nB=2\n`))
        .to.match(said)
        .and.not.include("hunter2");
    });
  }
});

it(".env.example, taken as it is, is a configuration with the defaults", () => {
  const example = readFileSync(join(repositoryDir, ".env.example"), "utf8");
  const set = example.replace(/^#([A-Z][A-Z_]+=)/gm, "$1");
  expect(troubleIn(set)).to.equal(undefined);
  const env = parseEnv(set) as Record<string, string>;
  const WITHOUT_DEFAULT = [
    ...["REDIS_URL", "MONGODB_URL", "OPERATOR_TOKEN", "OPERATOR_KEYS", "OPERATOR_HOSTS", "HEALTH_PORT"],
    ...["TRUST_PROXY", "OPERATORS_HOST", "OPERATORS_PORT", "OPERATORS_GRPC_PORT", "HEALTH_HOST"],
    "OPERATORS_GRPC_REFLECTION",
    // With TLS the port for gRPC has no default.
    ...["TLS_CERT_FILE", "TLS_KEY_FILE", "OPERATORS_CLIENT_CA_FILE", "GRPC_PORT"],
    ...["CLAIM_KEYS", "CLAIM_TOKEN_SECRET", "CLAIM_TOKEN_JWKS"],
    ...["CLAIM_TOKEN_AUDIENCE", "CLAIM_TOKEN_ISSUER"],
    ...["OPERATOR_OIDC_ISSUER", "OPERATOR_OIDC_AUDIENCE", "OPERATOR_OIDC_ROLES"],
    ...[
      "CLAIM_HOOK_URL",
      "CLAIM_HOOK_SECRET",
      "CLAIM_HOOK_FAILS",
      "ERASURE_KEY",
      "CERTIFICATE_KEY",
      "ALLOWED_ORIGINS",
      "OPERATOR_ORIGINS",
    ],
    ...[
      "SENTRY_DSN",
      "SENTRY_RELEASE",
      "OTEL_TRACES_EXPORTER",
      "OTEL_SERVICE_NAME",
      "OTEL_RESOURCE_ATTRIBUTES",
    ],
    ...["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"],
    ...["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"],
  ];
  const given = Object.fromEntries(Object.entries(env).filter(([name]) => WITHOUT_DEFAULT.includes(name)));
  expect(Object.keys(env)).to.include.members([...SETTINGS]);
  expect(readConfig(env)).to.deep.equal(readConfig(given));
});

it("a line that is let through never changes what Node reads of the lines around it", () => {
  // The characters that have a meaning in an env file, and two that have none.
  const sign = fc.constantFrom("A", "1", "=", "#", '"', "'", "`", " ", "\t", "export ", "\ufeff");
  const line = fc.array(sign, { maxLength: 12 }).map((signs) => signs.join(""));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const text = ["FIRST=1", ...lines, "LAST=2", ""].join("\n");
      fc.pre(troubleIn(text) === undefined);
      expect(parseEnv(text)).to.include({ FIRST: "1", LAST: "2" });
    }),
    { numRuns: 2_000 },
  );
});

describe("npm start and .env", () => {
  const dir = temporaryDir();
  let npm: ChildProcess | undefined;
  let said = "";

  /** A clone of its own: the clone that runs the tests must not get a `.env`. */
  before(() => {
    for (const name of readdirSync(repositoryDir)) {
      if (["package.json", "dist", ".git"].includes(name) || name.startsWith(".env")) continue;
      symlinkSync(join(repositoryDir, name), join(dir.path, name));
    }
    writeFileSync(join(dir.path, "package.json"), readFileSync(join(repositoryDir, "package.json")));
  });

  beforeEach(() => {
    said = "";
  });

  afterEach(async () => {
    if (npm !== undefined) await killChild(npm);
    rmSync(join(dir.path, ".env"), { recursive: true, force: true });
  });

  after(() => dir.remove());

  function start(script: string, env: Record<string, string>) {
    const child = spawnKept("npm", ["run", "--silent", script], {
      cwd: dir.path,
      env: { ...inheritedEnvironment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    npm = child;
    const keep = (text: string) => {
      said += text;
    };
    child.stdout?.setEncoding("utf8").on("data", keep);
    child.stderr?.setEncoding("utf8").on("data", keep);
    return exitOf(child);
  }

  const writeEnv = (...lines: string[]) => writeFileSync(join(dir.path, ".env"), `${lines.join("\n")}\n`);

  it("a setting in .env is used, and the environment wins over it", async () => {
    writeEnv("LEASE_MS=soon", "PORT=1e3");
    const { code } = await start("start", { LEASE_MS: "2000" });
    expect(said).to.match(
      /^coupon: configuration: PORT: "1e3" must be a whole number \(a port, or off\), 0 to 65535\n$/,
    );
    expect(code).to.equal(2);
  });

  it("a malformed one is refused with its line, before anything is started", async () => {
    writeEnv("PORT=8080", "OPERATOR_TOKEN=hunter2hunter2#hunter2");
    const { code } = await start("start", {});
    expect(said).to.equal(
      "coupon: configuration: .env:2: OPERATOR_TOKEN: a value with a # in it must be in quotes\n",
    );
    expect(code).to.equal(2);
  });

  for (const script of ["start", "start:production"]) {
    it(`npm run ${script}: one that cannot be read is refused`, async () => {
      mkdirSync(join(dir.path, ".env"));
      const { code } = await start(script, {});
      expect(said).to.equal("coupon: configuration: .env cannot be read (EISDIR)\n");
      expect(code).to.equal(2);
    });
  }

  it("workers have its settings, also one that is started after the file is gone; SIGTERM ends them in order", async function () {
    // Starts npm, a primary and three workers on a machine that may be busy; a bound against hanging.
    this.timeout(HANG_MS * 3);
    const { redis, mongodb } = await sharedStack();
    symlinkSync(await builtProduct(), join(dir.path, "dist"));
    writeEnv(
      `REDIS_URL=${redis.url}`,
      `MONGODB_URL=${mongodb.url}`,
      "MONGODB_DATABASE=env_file",
      "PORT=0",
      "GRPC_PORT=0",
      "WORKERS=2",
      "LOG_FORMAT=json",
    );
    const ended = start("start:production", {});
    const pids = () =>
      [...said.matchAll(/"workerPid":(\d+)[^\n]*"msg":"a worker listens"/g)].map(([, pid]) => Number(pid));
    const listening = (count: number) => until(() => pids().length === count, HANG_MS, 20);
    expect(await listening(2), said).to.equal(true);
    rmSync(join(dir.path, ".env"));
    process.kill(pids()[0] ?? Number.NaN, "SIGKILL");
    expect(await listening(3), said).to.equal(true);
    npm?.kill("SIGTERM");
    expect((await ended).code).to.equal(0);
  });
});
