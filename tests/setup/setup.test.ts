import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startTimeOf } from "../../local/process-identity.mjs";
import { oneLineSourcesFor, stanzaSourcesFor } from "../../setup/apt-sources.mjs";
import { temporaryDir } from "../support/temporary-dir.ts";
import { copyScripts } from "./copy-scripts.ts";

const STORES_GIVEN = { REDIS_URL: "redis://given", MONGODB_URL: "mongodb://given" };
const PACKAGE = { "node_modules/some": { version: "1.0.0", integrity: "sha512-x" } };
const OPTIONAL = { "node_modules/other-system": { version: "1.0.0", optional: true } };

interface Outcome {
  readonly code: number | null;
  readonly said: string;
}

describe("setup", () => {
  let dir: ReturnType<typeof temporaryDir>;

  beforeEach(() => {
    dir = temporaryDir();
    mkdirSync(join(dir.path, "node_modules"));
    mkdirSync(join(dir.path, "empty-path"));
    copyScripts(dir.path);
    writeLock("package-lock.json", { ...PACKAGE, ...OPTIONAL });
    writeLock("node_modules/.package-lock.json", PACKAGE);
  });

  afterEach(() => dir.remove());

  const writeLock = (name: string, packages: object) =>
    writeFileSync(join(dir.path, name), JSON.stringify({ packages: { "": { name: "root" }, ...packages } }));

  /** Runs set-up where nothing can be installed: no npm, no apt-get, no redis-server. */
  const setup = (args: readonly string[], env: Record<string, string> = STORES_GIVEN): Promise<Outcome> => {
    const child = spawn(process.execPath, [join(dir.path, "setup/setup.mjs"), ...args], {
      env: { PATH: join(dir.path, "empty-path"), ...env },
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        said += chunk.toString("utf8");
      });
    }
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, said })));
  };

  it("is silent when nothing is lacking, and leaves no lock behind", async () => {
    expect(await setup(["--quiet"])).to.deep.equal({ code: 0, said: "" });
    expect(await setup([])).to.deep.equal({ code: 0, said: "setup: everything is here\n" });
    expect(existsSync(join(dir.path, ".local"))).to.equal(false);
  });

  it("notices that the lock changed since the modules were installed", async () => {
    await setup(["--quiet"]);
    writeLock("package-lock.json", {
      ...PACKAGE,
      "node_modules/new": { version: "2.0.0", integrity: "sha512-y" },
    });
    const { code, said } = await setup(["--quiet", "--modules-only"]);
    expect(code).to.equal(1);
    expect(said).to.match(
      /installing node modules …\nsetup: `npm ci` failed: .*\n.*run `npm ci` there yourself/,
    );
    expect(said).not.to.include("    at ");
    expect(existsSync(join(dir.path, ".local/setup.lock"))).to.equal(false);
  });

  it("says what to do when Redis is missing and cannot be installed", async () => {
    const { code, said } = await setup([], { MONGODB_URL: "mongodb://given" });
    expect(code).to.equal(1);
    expect(said).to.match(/redis-server is not on PATH.*set REDIS_URL \(docker-compose\.yml has one\)/);
  });

  it("fetches the engines only where they are wanted, and says what needs them", async () => {
    const { code, said } = await setup(["--engines"]);
    expect(code).to.equal(1);
    expect(said).to.match(/unpacking Redis 8 and Valkey 8 …\nsetup: .*without apt-get none can be fetched/);
    expect(said).to.include("Only `npm run test:engines` needs them.");
  });

  it("does not look for stores when only the modules are wanted", async () => {
    expect(await setup(["--quiet", "--modules-only"], {})).to.deep.equal({ code: 0, said: "" });
  });

  it("explains its options", async () => {
    const { code, said } = await setup(["--loud"]);
    expect([code, said]).to.deep.equal([
      1,
      "setup: usage: node setup/setup.mjs [--quiet] [--modules-only] [--artillery] [--chaos] [--bench] [--proxy] [--engines] [--hosts] [--browser] [--prometheus] [--rabbitmq]\n",
    ]);
  });

  it("waits for another setup that lives, and not for one that died", async () => {
    mkdirSync(join(dir.path, ".local"));
    const lock = join(dir.path, ".local/setup.lock");
    writeFileSync(lock, JSON.stringify({ owner: { pid: process.pid, startTime: "0" } }));
    const missing = { MONGODB_URL: "mongodb://given" };
    expect((await setup([], missing)).said).to.not.include("waiting");
    const holder = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    const owner = { pid: holder.pid, startTime: startTimeOf(holder.pid ?? 0) };
    writeFileSync(lock, JSON.stringify({ owner }));
    const waiting = spawn(process.execPath, [join(dir.path, "setup/setup.mjs")], {
      env: { PATH: join(dir.path, "empty-path"), ...missing },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    const ended = new Promise((resolve) => waiting.once("close", resolve));
    waiting.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes("waiting for another setup")) holder.stdin.end();
    });
    await ended;
    expect(said).to.match(/waiting for another setup \(process \d+\)\nsetup: installing redis-server/);
  });
});

describe("apt sources of a newer release", () => {
  const suites = { from: "bookworm", to: "trixie" };

  it("takes one-line sources over, main of the release itself only", () => {
    const text = [
      "# deb http://mirror.example/debian bookworm main",
      "deb http://mirror.example/debian bookworm main contrib # the mirror",
      "deb-src http://mirror.example/debian bookworm main",
      "  deb [arch=amd64 signed-by=/k.gpg] http://other.example/debian/ bookworm main",
      "deb http://mirror.example/debian bookworm-updates main",
      "deb http://mirror.example/debian-security bookworm-security main",
      "deb http://vendor.example/apt bookworm stable",
    ].join("\n");
    expect(oneLineSourcesFor(text, suites)).to.deep.equal([
      "deb http://mirror.example/debian trixie main",
      "deb [arch=amd64 signed-by=/k.gpg] http://other.example/debian/ trixie main",
    ]);
  });

  it("takes stanzas over with their keys and options", () => {
    const text = [
      "Types: deb deb-src",
      "# a comment",
      "URIs: http://mirror.example/debian",
      " http://second.example/debian",
      "Suites: bookworm bookworm-updates",
      "Components: main contrib",
      "Signed-By:",
      " -----BEGIN",
      " .",
      " -----END",
      "",
      "Types: deb",
      "URIs: http://mirror.example/debian-security",
      "Suites: bookworm-security",
      "Components: main",
      "",
      "Enabled: no",
      "Types: deb",
      "URIs: http://off.example/debian",
      "Suites: bookworm",
      "Components: main",
    ].join("\n");
    expect(stanzaSourcesFor(text, suites)).to.deep.equal([
      [
        "Types: deb",
        "URIs: http://mirror.example/debian",
        " http://second.example/debian",
        "Suites: trixie",
        "Components: main",
        "Signed-By: ",
        " -----BEGIN",
        " .",
        " -----END",
      ].join("\n"),
    ]);
  });
});
