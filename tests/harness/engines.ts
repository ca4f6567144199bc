import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { repositoryDir } from "../../local/repository.ts";
import { engines } from "../../setup/engines.mjs";

/**
 * Runs the tests of what the service asks of Redis on each engine that set-up unpacked: its `redis-server` is
 * the first one on PATH. Prints a line for each engine; exit code 1 where a test failed or an engine is not
 * there. With `--quick`, as in CI, without the failovers of Sentinels.
 */
const FILES = [
  ...["missing-right", "redis-rights", "redis-start", "redis-facts", "scripts", "load-scripts", "limit"],
  ...["found-again", "other-redis", "redis-clock"],
  ...(process.argv.includes("--quick") ? [] : ["redis-sentinel"]),
].map((name) => `tests/pool/${name}.test.ts`);

const { REDIS_URL: _other, PATH = "", ...environment } = process.env;

for (const { name, folder } of engines) {
  const program = join(folder, "redis-server");
  if (!existsSync(program)) {
    say(name, "FAIL: it is not unpacked: run `npm run setup -- --engines`");
    continue;
  }
  const env = { ...environment, PATH: `${folder}${delimiter}${PATH}` };
  const version = spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.trim();
  process.stdout.write(`engines: ${name}: ${version}\n`);
  const mocha = join(repositoryDir, "node_modules", "mocha", "bin", "mocha.js");
  const args = [mocha, "--reporter", "dot", ...FILES];
  const { status } = spawnSync(process.execPath, args, { cwd: repositoryDir, env, stdio: "inherit" });
  say(name, status === 0 ? "PASS" : "FAIL");
}

function say(name: string, verdict: string): void {
  process.stdout.write(`engines: ${name}: ${verdict}\n`);
  if (verdict !== "PASS") process.exitCode = 1;
}
