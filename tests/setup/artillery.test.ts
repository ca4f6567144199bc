import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { exitOf } from "../../local/child.ts";
import { until } from "../../local/poll.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { copyScripts } from "./copy-scripts.ts";

/** A bound against hanging. */
const STEP_MS = 60_000;

/**
 * Stands in for npm, which would fetch hundreds of megabytes: makes half of the files, waits while NPM_HOLD
 * exists, and makes the rest unless NPM_FAILS is set. Each run adds a line to NPM_RUNS.
 */
const NPM = `#!${process.execPath}
const { appendFileSync, existsSync, mkdirSync, writeFileSync } = require("node:fs");
const { NPM_RUNS, NPM_HOLD, NPM_FAILS } = process.env;
mkdirSync("node_modules/artillery/bin", { recursive: true });
writeFileSync("node_modules/half", "x".repeat(100_000));
appendFileSync(NPM_RUNS, process.argv.slice(2).join(" ") + "\\n");
const go = () => {
  if (NPM_HOLD !== undefined && existsSync(NPM_HOLD)) return setTimeout(go, 10);
  if (NPM_FAILS !== undefined) process.exit(1);
  writeFileSync("node_modules/artillery/bin/run", "");
};
go();
`;

describe("setup --artillery", function () {
  this.timeout(STEP_MS);
  let dir: ReturnType<typeof temporaryDir>;
  let cache: string;
  let runs: string;
  let hold: string;
  const children: ChildProcess[] = [];

  function clone(name: string): string {
    const path = join(dir.path, name);
    mkdirSync(join(path, "artillery"), { recursive: true });
    mkdirSync(join(path, "node_modules"));
    copyScripts(path);
    for (const file of ["package-lock.json", "node_modules/.package-lock.json"])
      writeFileSync(join(path, file), JSON.stringify({ packages: {} }));
    for (const file of ["package.json", "package-lock.json", ".npmrc"])
      writeFileSync(join(path, "artillery", file), "{}");
    return path;
  }

  beforeEach(() => {
    dir = temporaryDir();
    mkdirSync(join(dir.path, "bin"));
    writeFileSync(join(dir.path, "bin", "npm"), NPM);
    chmodSync(join(dir.path, "bin", "npm"), 0o755);
    cache = join(dir.path, "home", ".cache", "coupon-issuer");
    runs = join(dir.path, "runs");
    hold = join(dir.path, "hold");
    writeFileSync(runs, "");
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    dir.remove();
  });

  const npmRuns = () => readFileSync(runs, "utf8").split("\n").length - 1;
  const installed = () => readdirSync(cache).filter((name) => name !== "artillery.lock");

  function setup(path: string, env: Record<string, string> = {}) {
    const args = [join(path, "setup/setup.mjs"), "--quiet", "--modules-only", "--artillery"];
    const child = spawn(process.execPath, args, {
      env: { PATH: join(dir.path, "bin"), HOME: join(dir.path, "home"), NPM_RUNS: runs, ...env },
    });
    children.push(child);
    const told = { words: "" };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        told.words += text;
      });
    return { child, told, ended: exitOf(child).then(({ code }) => code) };
  }

  it("puts it outside the clone, once for all clones, and says how long it took and how large it is", async () => {
    const [one, other] = [clone("one"), clone("other")];
    const first = setup(one);
    expect(await first.ended, first.told.words).to.equal(0);
    const [folder = "", ...more] = installed();
    expect([folder, more]).to.deep.equal([folder, []]);
    expect(folder).to.match(/^artillery-[0-9a-f]{16}$/);
    expect(existsSync(join(cache, folder, "node_modules/artillery/bin/run"))).to.equal(true);
    expect(existsSync(join(one, "artillery/node_modules"))).to.equal(false);
    expect(first.told.words).to.include(`artillery is fetched into ${join(cache, folder)}`);
    expect(first.told.words).to.match(/artillery is installed: \d+ s, \d+ MB in /);
    const second = setup(other);
    expect([await second.ended, second.told.words, npmRuns()]).to.deep.equal([0, "", 1]);
    // Another lock file needs another artillery; the first one stays for the clones that use it.
    writeFileSync(join(other, "artillery/package-lock.json"), '{ "packages": {} }');
    expect(await setup(other).ended).to.equal(0);
    expect([installed().length, npmRuns()]).to.deep.equal([2, 2]);
  });

  it("lies in LOCAL_CACHE_DIR, else in $XDG_CACHE_HOME", async () => {
    const path = clone("one");
    const xdg = join(dir.path, "xdg");
    expect(await setup(path, { XDG_CACHE_HOME: xdg }).ended).to.equal(0);
    expect(readdirSync(join(xdg, "coupon-issuer"))).to.have.length(1);
    const given = join(dir.path, "given");
    expect(await setup(path, { XDG_CACHE_HOME: xdg, LOCAL_CACHE_DIR: given }).ended).to.equal(0);
    expect(readdirSync(given)).to.have.length(1);
    const relative = setup(path, { LOCAL_CACHE_DIR: "here" });
    expect(await relative.ended).to.equal(1);
    expect(relative.told.words).to.equal('setup: LOCAL_CACHE_DIR must be an absolute path, not "here"\n');
  });

  it("takes an installation that failed or was killed half-way for none, and clears it away", async () => {
    const path = clone("one");
    const failed = setup(path, { NPM_FAILS: "1" });
    expect(await failed.ended).to.equal(1);
    expect(failed.told.words).to.match(/`npm ci` failed: .*\nArtillery is not installed\. Check the network/);
    expect(installed()).to.deep.equal([]);

    writeFileSync(hold, "");
    const killed = setup(path, { NPM_HOLD: hold });
    expect(await until(() => npmRuns() === 2, STEP_MS)).to.equal(true);
    killed.child.kill("SIGKILL");
    await killed.ended;
    rmSync(hold);
    expect(
      installed().map((name) => name.replace(/-[^-]*$/, "")),
      "what is left",
    ).to.deep.equal(["new-artillery"]);

    expect(await setup(path).ended).to.equal(0);
    expect(npmRuns()).to.equal(3);
    expect(installed().map((name) => /^artillery-[0-9a-f]{16}$/.test(name))).to.deep.equal([true]);
  });

  it("two clones at once install it once: the second waits", async () => {
    writeFileSync(hold, "");
    const first = setup(clone("one"), { NPM_HOLD: hold });
    expect(await until(() => npmRuns() === 1, STEP_MS)).to.equal(true);
    const second = setup(clone("other"), { NPM_HOLD: hold });
    expect(await until(() => second.told.words.includes("waiting for another setup"), STEP_MS)).to.equal(
      true,
    );
    rmSync(hold);
    expect([await first.ended, await second.ended]).to.deep.equal([0, 0]);
    expect([npmRuns(), installed().length]).to.deep.equal([1, 1]);
    expect(existsSync(join(cache, "artillery.lock"))).to.equal(false);
  });
});
