import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { builtProduct } from "../../local/built.ts";
import { startService } from "../../local/service-process.ts";
import { makeCertificates } from "../support/certificates.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const STORES = { REDIS_URL: "redis://127.0.0.1:1", MONGODB_URL: "mongodb://127.0.0.1:1" };

function storesInFiles(dir: string): Record<string, string> {
  const files = Object.entries(STORES).map(([name, url]) => {
    const path = join(dir, name);
    writeFileSync(path, `${url}\n`, { mode: 0o600 });
    return [`${name}_FILE`, path];
  });
  return Object.fromEntries(files);
}

/** Starts a process with these settings and without stores; returns its lines and its exit code. */
async function endOf(entry: string, env: Record<string, string>, args: readonly string[] = []) {
  // The built service starts in a fifth of the processor time; what only development has is not built.
  const built = entry === "server/main.ts" ? join(await builtProduct(), "server", "main.js") : entry;
  const service = startService({ entry: built, env, args });
  const { code } = await service.exited;
  return { code, lines: [...service.lines] };
}

type Run = readonly [
  what: string,
  entry: string,
  env: Record<string, string>,
  args: readonly string[],
  said: RegExp,
];

describe("bad settings of a process", () => {
  const runs: readonly Run[] = [
    [
      "a password that is not encoded",
      "server/main.ts",
      { ...STORES, REDIS_URL: "redis://:hunter/Secr3t@h" },
      [],
      /^coupon: configuration: REDIS_URL: has a character before its @ that must be encoded/,
    ],
    [
      "several at once, and a flag",
      "server/main.ts",
      {
        ...STORES,
        MONGODB_URL: "mongodb://u:hunter@Secr3t@h",
        OPERATOR_TOKEN: "hunter Secr3t hunter Secr3t",
      },
      ["--port", "1e3"],
      /^coupon: configuration: MONGODB_URL: .*; PORT: "1e3" must be .*; OPERATOR_TOKEN: must be/,
    ],
    [
      "a wrong port of the local stack: before any store is started",
      "local/start.ts",
      { LOCAL_REDIS_PORT: "1e3" },
      [],
      /^coupon: configuration: LOCAL_REDIS_PORT must be a port number \(0 to 65535\), not "1e3"$/,
    ],
    [
      "a setting of the service on the local stack: before any store is started",
      "local/start.ts",
      { LEASE_MS: "soon" },
      [],
      /^coupon: configuration: LEASE_MS: "soon" must be a whole number of milliseconds, 1000 to 600000$/,
    ],
    [
      "a data folder that cannot be one",
      "local/start.ts",
      { LOCAL_DATA_DIR: "/dev/null/data" },
      [],
      /^coupon: configuration: LOCAL_DATA_DIR: .* must be a folder that this user may write in/,
    ],
    ...(process.platform === "linux"
      ? ([
          [
            "a data folder where none can be made, and Node's own mkdir tries for ever",
            "local/start.ts",
            { LOCAL_DATA_DIR: "/proc/data" },
            [],
            /^coupon: configuration: LOCAL_DATA_DIR: \/proc\/data must be a folder .* \(ENOENT\)$/,
          ],
          [
            "a data folder that takes no file",
            "local/stores.ts",
            { LOCAL_DATA_DIR: "/proc" },
            [],
            /^configuration: LOCAL_DATA_DIR: \/proc must be a folder .* \(ENOENT\)$/,
          ],
        ] satisfies Run[])
      : []),
    [
      "a secret whose file cannot be read: the path, which may be the secret itself, is not repeated",
      "server/main.ts",
      { ...STORES, OPERATOR_TOKEN_FILE: "hunter-Secr3t" },
      [],
      /^coupon: configuration: OPERATOR_TOKEN_FILE: the file that it names cannot be read \(ENOENT\)$/,
    ],
    [
      "a password that is not encoded, for the stores alone",
      "local/stores.ts",
      { REDIS_URL: "redis://:hunter/Secr3t@h" },
      [],
      /^configuration: REDIS_URL: has a character before its @/,
    ],
  ];

  it("end it with exit code 2 and one line: the name and what is allowed, no stack and no secret", async function () {
    // Starts several processes, one after another; a bound against hanging.
    this.timeout(300_000);
    const dir = temporaryDir();
    try {
      for (const [what, entry, env, args, said] of runs) {
        const { code, lines } = await endOf(entry, { LOCAL_DATA_DIR: dir.path, ...env }, args);
        expect(lines, what).to.have.length(1);
        expect(lines[0], what)
          .to.match(said)
          .and.not.match(/hunter|Secr3t/);
        expect(code, what).to.equal(2);
      }
    } finally {
      dir.remove();
    }
  });
});

describe("a setting that leads to a pipe into which nobody writes", () => {
  it("ends the start with exit code 2 and its name, and is not waited for", async function () {
    // Starts several processes, one after another; a bound against hanging.
    this.timeout(300_000);
    const dir = temporaryDir();
    try {
      const pipe = join(dir.path, "pipe");
      execFileSync("mkfifo", [pipe]);
      const { certFile, keyFile } = makeCertificates(dir.path);
      const named: readonly (readonly [setting: string, beside: Record<string, string>])[] = [
        ["OPERATOR_KEYS_FILE", {}],
        ["TLS_CERT_FILE", { TLS_KEY_FILE: keyFile }],
        ["TLS_KEY_FILE", { TLS_CERT_FILE: certFile }],
      ];
      for (const [setting, beside] of named) {
        const env = { ...STORES, ...beside, [setting]: pipe, LOCAL_DATA_DIR: dir.path };
        const { code, lines } = await endOf("server/main.ts", env);
        expect(lines, setting).to.have.length(1);
        expect(lines[0]).to.include(setting).and.include("is a pipe, not a regular file");
        expect(code, setting).to.equal(2);
      }
    } finally {
      dir.remove();
    }
  });
});

describe("settings that are said", () => {
  it("an unknown TZ and durations that contradict each other are warned of; the service works in UTC, its workers too", async function () {
    // Starts processes; a bound against hanging.
    this.timeout(300_000);
    const tellOffset = "process.on('exit',()=>console.error('at-UTC',new Date(0).getTimezoneOffset()===0))";
    const dir = temporaryDir();
    const env = {
      ...storesInFiles(dir.path),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tellOffset)}`,
      START_DEADLINE_MS: "300",
      DRAIN_DEADLINE_MS: "300",
    };
    // No zone has the name of a POSIX rule; Node still computes with the rule.
    const { code, lines } = await endOf("server/main.ts", { ...env, TZ: "KST-9", WORKERS: "2", PORT: "0" });
    dir.remove();
    // Each process has read both URLs from their files: the stores at them do not answer.
    expect(code).to.equal(3);
    const warned = lines.filter((line) => line.includes('"level":"warn"')).join("\n");
    expect(warned)
      .to.match(/TZ is no time zone that is known here/)
      .and.include('"TZ":"KST-9"');
    expect(warned).to.match(/DRAIN_DEADLINE_MS is 300, less than twice ISSUE_DEADLINE_MS/);
    const told = lines.filter((line) => line.startsWith("at-UTC"));
    expect(told.length).to.be.greaterThan(1);
    expect([...new Set(told)]).to.deep.equal(["at-UTC true"]);
  });
});
