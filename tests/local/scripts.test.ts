import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { isAlive } from "../../local/owned-file.mjs";
import { until } from "../../local/poll.ts";
import { startTimeOf } from "../../local/process-identity.mjs";
import { repositoryDir } from "../../local/repository.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

function scriptsOf(manifest: string): [name: string, script: string][] {
  const { scripts = {} } = JSON.parse(readFileSync(join(repositoryDir, manifest), "utf8")) as {
    scripts?: Record<string, string>;
  };
  return Object.entries(scripts);
}

/** Ends on SIGTERM and prints so; stands in for the service, which is not built here. */
const STAND_IN = `process.on("SIGTERM", () => process.stdout.write("drained\\n", () => process.exit(0)));
process.stdout.write("ready " + process.pid + "\\n");
setInterval(() => undefined, 1_000);
`;

describe("scripts of package.json", () => {
  for (const manifest of ["package.json", "artillery/package.json"]) {
    it(`${manifest}: the shell of each script becomes its last command, so that a signal reaches it`, () => {
      // npm sends a signal only to its shell; a shell that waits for a child is ended by it, and the child
      // stays behind.
      const wrong = scriptsOf(manifest).filter(([, script]) => !/(?:^|&& )exec [^;&|]+$/.test(script));
      expect(wrong).to.deep.equal([]);
    });
  }

  it("SIGTERM to npm run start:production ends the service, in order", async function () {
    // Most of the time goes to the start of npm itself; a bound against hanging.
    this.timeout(120_000);
    const dir = temporaryDir();
    const script = Object.fromEntries(scriptsOf("package.json"))["start:production"] ?? "";
    const entry = /dist\/\S+\.js/.exec(script)?.[0] ?? "";
    expect(entry).to.equal("dist/server/main.js");
    mkdirSync(join(dir.path, "dist", "server"), { recursive: true });
    writeFileSync(join(dir.path, entry), STAND_IN);
    symlinkSync(join(repositoryDir, "local"), join(dir.path, "local"));
    writeFileSync(
      join(dir.path, "package.json"),
      JSON.stringify({ type: "module", scripts: { it: script } }),
    );
    let said = "";
    let standIn: { pid: number; startTime: string } | undefined;
    const npm = spawn("npm", ["run", "--silent", "it"], {
      cwd: dir.path,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const ended = new Promise<number | null>((resolve) => npm.once("exit", resolve));
      npm.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      expect(await until(() => /ready \d+\n/.test(said), 100_000, 20)).to.equal(true);
      const pid = Number(/ready (\d+)/.exec(said)?.[1]);
      standIn = { pid, startTime: startTimeOf(pid) ?? "" };
      npm.kill("SIGTERM");
      expect(await ended).to.equal(0);
      expect(said).to.include("drained");
      expect(isAlive(standIn)).to.equal(false);
    } finally {
      npm.kill("SIGKILL");
      if (standIn !== undefined && isAlive(standIn)) process.kill(standIn.pid, "SIGKILL");
      dir.remove();
    }
  });
});
