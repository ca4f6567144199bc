import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";

/** Code that leaves a resource behind, and the name that the test run gives to it. */
const LEFT = [
  ["setInterval(() => {}, 1_000);", "Timeout"],
  ['require("node:net").createServer().listen(0, "127.0.0.1");', "TCPServerWrap"],
  ['require("node:child_process").spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });', "ProcessWrap"],
] as const;

describe("a run of the tests", () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "coupon-leak-"));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Runs tests with these bodies under the hooks of all tests. */
  async function runTests(...bodies: string[]) {
    const file = join(dir, "planted.test.cjs");
    writeFileSync(file, bodies.map((body) => `it("planted", () => {\n${body}\n});\n`).join(""));
    const mocha = join(repositoryDir, "node_modules", "mocha", "bin", "mocha.js");
    const env = { ...process.env, LEAK_AFTER_MS: "200", LEAK_TRACE: "1" };
    const child = spawn(process.execPath, [mocha, file], {
      ...{ cwd: repositoryDir, env, stdio: ["ignore", "pipe", "pipe"] },
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { stdout, stderr, code };
  }

  it("fails where tests that passed left a timer, a socket and a child process open, and names them", async () => {
    const { code, stdout } = await runTests(...LEFT.map(([body]) => body));
    expect(stdout).to.include("3 passing").and.include("1 failing").and.include("after all");
    const [, told] = /leak: still open after the tests of .*\.test\.cjs: (.*)$/m.exec(stdout) ?? [];
    expect(told?.split(", ")).to.include.members(LEFT.map(([, name]) => name));
    // The stack of the timer, because of LEAK_TRACE.
    expect(stdout).to.match(/leak: made here: Timeout\n {4,}at .*planted\.test\.cjs:2/m);
    expect(code).to.equal(1);
  });

  it("adds a failure where something is left open, too, and passes where nothing is", async () => {
    const failing = 'throw new Error("planted");';
    const { code, stdout } = await runTests(LEFT[0][0], failing, failing);
    expect(stdout).to.include("leak: still open");
    expect(code).to.equal(3);
    expect(await runTests("")).to.include({ code: 0, stderr: "" });
  });
});
