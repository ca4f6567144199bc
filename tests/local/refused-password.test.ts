import { join } from "node:path";
import { expect } from "chai";
import { startRedis } from "../../local/redis-server.ts";
import { startService } from "../../local/service-process.ts";
import { EXIT } from "../../runtime/user-error.ts";
import { refusingMongod } from "../support/refusing-mongod.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const PASSWORD = "hunter2";

describe("npm start, on a given store that refuses the password", () => {
  let dir: ReturnType<typeof temporaryDir>;

  beforeEach(() => {
    dir = temporaryDir();
  });

  afterEach(() => dir.remove());

  /** The process ends by itself with this message, without any part of the password. */
  async function expectRefused(env: Record<string, string>, said: RegExp): Promise<void> {
    const service = startService({
      entry: "local/start.ts",
      env: { LOCAL_DATA_DIR: dir.path, PORT: "0", GRPC_PORT: "0", ...env },
    });
    try {
      expect((await service.exited).code, service.lines.join("\n")).to.equal(EXIT.configuration);
      const text = service.lines.join("\n");
      expect(text).to.match(said);
      expect(text).not.to.include("does not answer").and.not.to.include(PASSWORD);
    } finally {
      await service.stop();
    }
  }

  it("MongoDB: says that it does, with the setting and the exit code of a wrong setting", async () => {
    const server = await refusingMongod();
    const { port } = server.address() as { port: number };
    const url = `mongodb://ops:${PASSWORD}@127.0.0.1:${port}/?directConnection=true&authMechanism=PLAIN`;
    try {
      const said = /^coupon: MongoDB at \S+ does not accept the user and password .*MONGODB_URL/m;
      await expectRefused({ MONGODB_URL: url }, said);
    } finally {
      server.close();
    }
  });

  it("Redis: the same", async () => {
    const args = ["--user", "ops", "on", ">another", "~*", "&*", "+@all"];
    const redis = await startRedis({ dir: join(dir.path, "own-redis"), args });
    try {
      const url = `redis://ops:${PASSWORD}@127.0.0.1:${redis.port}`;
      await expectRefused({ REDIS_URL: url }, /^coupon: .*REDIS_URL.*(password|WRONGPASS)/m);
    } finally {
      await redis.stop();
    }
  });
});
