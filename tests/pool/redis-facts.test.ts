import { expect } from "chai";
import { infoIn } from "../../pool/redis-facts.ts";
import { openRawRedis } from "../support/raw-redis.ts";
import { sharedStack } from "../support/shared-stores.ts";

/** The lines of INFO that differ, as each engine tells them of a node of a cluster. */
const TOLD: readonly (readonly [lines: readonly string[], engine: string, version: string])[] = [
  [["redis_version:7.0.15", "redis_mode:cluster"], "Redis", "7.0.15"],
  [["redis_version:8.0.2", "redis_mode:cluster"], "Redis", "8.0.2"],
  [
    ["redis_version:7.2.4", "server_name:valkey", "valkey_version:8.1.1", "server_mode:cluster"],
    "Valkey",
    "8.1.1",
  ],
  // Before 8.0, or with extended-redis-compatibility
  [["redis_version:7.2.4", "valkey_version:7.2.9", "redis_mode:cluster"], "Valkey", "7.2.9"],
];

describe("Redis: the facts of INFO", () => {
  for (const [lines, engine, version] of TOLD) {
    it(`${engine} ${version} is a node of a cluster, and has its own version`, () => {
      const text = ["# Server", ...lines, "run_id:abc", "# Replication", "role:master", ""].join("\r\n");
      expect(infoIn(text)).to.include({ engine, version, mode: "cluster", role: "master" });
    });
  }

  it("of what runs here", async () => {
    const { redis } = await sharedStack();
    const raw = await openRawRedis(redis.url);
    try {
      const info = infoIn(String(await raw.sendCommand(["INFO"])));
      expect(info).to.include({ mode: "standalone", role: "master", maxmemoryPolicy: "noeviction" });
      expect(info.version).to.match(/^\d+\.\d+\.\d+$/);
      expect(info.usedBytes).to.be.greaterThan(0);
    } finally {
      raw.destroy();
    }
  });
});
