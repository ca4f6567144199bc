import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { nodeForEngine } from "../../local/embedded-libc.ts";
import { startRedis } from "../../local/redis-server.ts";
import { repositoryDir } from "../../local/repository.ts";
import { startService } from "../../local/service-process.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("npm run stores", () => {
  let dir: ReturnType<typeof temporaryDir>;

  beforeEach(() => {
    dir = temporaryDir();
  });

  afterEach(() => dir.remove());

  const start = (env: Record<string, string> = {}) =>
    startService({ entry: "local/stores.ts", env: { LOCAL_DATA_DIR: dir.path, ...env } });

  it("prints the two URLs for the shell, and stops everything when asked to end", async () => {
    const stores = start();
    expect(await stores.waitForLine((line) => line.startsWith("export MONGODB_URL="), HANG_MS)).to.match(
      /^export MONGODB_URL='mongodb:\/\/coupon:[0-9a-f]{64}@127\.0\.0\.1:\d+\/\?directConnection=true&authMechanism=SCRAM-SHA-256'$/,
    );
    expect(stores.lines.join("\n")).to.match(
      /^export REDIS_URL='redis:\/\/:[0-9a-f]{64}@127\.0\.0\.1:\d+'$/m,
    );
    expect(await stores.stop()).to.equal(0);
  });

  it("prefers a mongod on PATH to the embedded engine", async () => {
    const launch = nodeForEngine();
    if (!launch.ok) throw new Error(launch.reason);
    // The engine as a program named mongod: takes its arguments, and replaces the shell so that the pid is
    // right.
    const engine = [launch.command, ...launch.args, join(repositoryDir, "local/engine-server.mjs")];
    const program = join(dir.path, "mongod");
    const script =
      'test "$1 $3 $4 $5" = "--dbpath --bind_ip 127.0.0.1 --port" || exit 9\n' +
      `exec ${engine.map((word) => `'${word}'`).join(" ")} --dir "$2" --port "$6"\n`;
    writeFileSync(program, `#!/bin/sh\n${script}`);
    chmodSync(program, 0o755);
    const stores = start({ PATH: `${dir.path}:${process.env["PATH"]}` });
    await stores.waitForLine((line) => line.startsWith("mongodb: mongod at 127.0.0.1:"), HANG_MS);
    expect(await stores.stop()).to.equal(0);
  });

  it("does not repeat the password of a store that was given, in what it prints or leaves in a file", async () => {
    const password = "Giv3n-word";
    const redisArgs = ["--user", "app", "on", `>${password}`, "~*", "&*", "+@all"];
    const redis = await startRedis({ dir: join(dir.path, "own-redis"), args: redisArgs });
    const stores = start({ REDIS_URL: `redis://app:${password}@127.0.0.1:${redis.port}` });
    try {
      await stores.waitForLine((line) => line.startsWith("export MONGODB_URL="), 30_000);
      expect(stores.lines).to.include("# REDIS_URL: as it was given");
      const file = join(dir.path, "stack.json");
      expect(readFileSync(file, "utf8")).to.include(password); // for the next process that joins the stack
      expect(statSync(file).mode & 0o077).to.equal(0);
      expect(await stores.stop()).to.equal(0);
      expect(stores.lines.join("\n")).not.to.include(password);
    } finally {
      await stores.stop();
      await redis.stop();
    }
  });

  it("ends with one clear message when something is wrong", async () => {
    const stores = start({ LOCAL_REDIS_PORT: "many" });
    expect((await stores.exited).code).to.equal(2);
    expect(stores.lines).to.deep.equal([
      'configuration: LOCAL_REDIS_PORT must be a port number (0 to 65535), not "many"',
    ]);
  });
});
