import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { connectRedis } from "../../pool/redis.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { HANG_MS } from "../support/patience.ts";

describe("A connection whose password was taken away", () => {
  let own: OwnRedis;

  before(async () => {
    own = await ownRedis();
  });
  after(() => own.close());

  it("logs that Redis refuses the password, not only that the client is closed", async () => {
    const acl = (...rules: readonly string[]) => own.raw.sendCommand(["ACL", "SETUSER", "coupons", ...rules]);
    await acl("reset", "on", ">old-password", "~*", "+@all");
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: "warn", format: "json", redact: (text) => text, destination });
    const url = `redis://coupons:old-password@127.0.0.1:${own.store.port}`;
    const redis = await connectRedis({ url, connectWithinMs: HANG_MS, logger });
    try {
      await acl(">new-password", "<old-password");
      await own.raw.sendCommand(["CLIENT", "KILL", "USER", "coupons"]);
      const told = () => lines.some((line) => line.includes("WRONGPASS"));
      expect(await until(told, HANG_MS), lines.join("")).to.equal(true);
    } finally {
      await redis.close();
    }
  });
});
