import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { runBounded } from "../../local/built.ts";
import { until } from "../../local/poll.ts";
import { startTimeOf } from "../../local/process-identity.mjs";
import { HANG_MS } from "../support/patience.ts";

describe("a build in a process of its own", () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "coupon-bounded-"));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const program = (name: string, ...lines: string[]) => {
    const file = join(dir, `${name}.mjs`);
    writeFileSync(file, lines.join("\n"));
    return file;
  };
  const rejection = (run: Promise<void>) =>
    run.then(
      () => "none",
      (error: Error) => error.message,
    );

  it("that fails is told with its own words", async () => {
    const failing = program(
      "failing",
      `process.stderr.write("build: no such type\\n");`,
      "process.exitCode = 1;",
    );
    expect(await rejection(runBounded([failing], HANG_MS))).to.equal("build: no such type");
  });

  it("that does not end is killed with all that it started, and tried once more", async () => {
    const started = join(dir, "started");
    const hanging = program(
      "hanging",
      `import { spawn } from "node:child_process";`,
      `import { appendFileSync, existsSync } from "node:fs";`,
      `const isSecond = existsSync(${JSON.stringify(started)});`,
      `const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });`,
      `appendFileSync(${JSON.stringify(started)}, child.pid + "\\n");`,
      "if (isSecond && process.argv[2] === 'once') process.kill(child.pid, 'SIGKILL');",
      "else setInterval(() => {}, 1000);",
    );
    const pids = () => readFileSync(started, "utf8").trim().split("\n").map(Number);
    const alive = () => pids().filter((pid) => startTimeOf(pid) !== undefined);

    // The second try ends, so a build that hangs once does no harm.
    await runBounded([hanging, "once"], 3_000);
    expect(pids()).to.have.length(2);
    expect(await until(() => alive().length === 0, HANG_MS)).to.equal(true);

    rmSync(started);
    expect(await rejection(runBounded([hanging, "always"], 3_000))).to.equal(
      "the build did not end within 3 s, twice",
    );
    expect(existsSync(started) && (await until(() => alive().length === 0, HANG_MS))).to.equal(true);
  });
});
