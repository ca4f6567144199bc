import { join } from "node:path";
import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { givenStore } from "../../local/given-store.ts";
import { until } from "../../local/poll.ts";
import { startRedis } from "../../local/redis-server.ts";
import { createPool } from "../../pool/pool.ts";
import { connectRedis } from "../../pool/redis.ts";
import { UserError } from "../../runtime/user-error.ts";
import { makeCertificates, signCertificate } from "../support/certificates.ts";
import { loadedPool } from "../support/loaded-pool.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const connect = (url: string) => connectRedis({ url, connectWithinMs: HANG_MS, logger: silentLogger });

describe("Redis where REDIS_URL has more than a host and a port", () => {
  it("a socket of this machine is used as a port is", async () => {
    const dir = temporaryDir();
    const socket = join(dir.path, "redis 1.sock");
    const store = await startRedis({
      dir: dir.path,
      args: ["--unixsocket", socket, "--unixsocketperm", "700"],
    });
    try {
      const url = `redis+unix://${encodeURI(socket)}?db=1`;
      const redis = await connect(url);
      try {
        const { campaignId } = await loadedPool(createPool(redis, HANG_MS));
        expect((await createPool(redis, HANG_MS).inspect(campaignId)).status).to.equal("ok");
        // Lost and found again, as on a port.
        await store.kill();
        await store.start();
        const again = async () =>
          (await createPool(redis, 1_000)
            .inspect(campaignId)
            .catch(() => undefined)) !== undefined;
        expect(await until(again, HANG_MS)).to.equal(true);
      } finally {
        await redis.close();
      }
      await givenStore("redis", url).waitReady();
      const nowhere = {
        url: "redis+unix:///nowhere/redis.sock",
        connectWithinMs: 1_000,
        logger: silentLogger,
      };
      const absent = await connectRedis(nowhere).catch((error: unknown) => error);
      expect(String(absent)).to.match(/no Redis at \/nowhere\/redis\.sock /);
    } finally {
      await store.stop();
      dir.remove();
    }
  });

  it("a client certificate is shown where Redis asks for one", async () => {
    const dir = temporaryDir();
    const made = makeCertificates(dir.path);
    const store = await startRedis({
      dir: dir.path,
      args: [
        ...["--tls-port", "0"],
        ...[
          "--tls-ca-cert-file",
          made.caFile,
          "--tls-cert-file",
          made.certFile,
          "--tls-key-file",
          made.keyFile,
        ],
      ],
    });
    const port = await freePort();
    const raw = await openRawRedis(store.url);
    try {
      await raw.sendCommand(["CONFIG", "SET", "tls-port", String(port)]);
      const trusting = `rediss://127.0.0.1:${port}?ca=${encodeURIComponent(made.caFile)}`;
      const without = { url: trusting, connectWithinMs: 1_500, logger: silentLogger };
      const refused = await connectRedis(without).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(UserError);
      const own = signCertificate(dir.path, "client");
      const files = `&cert=${encodeURIComponent(own.certFile)}&key=${encodeURIComponent(own.keyFile)}`;
      const redis = await connect(`${trusting}${files}`);
      await loadedPool(createPool(redis, HANG_MS));
      await redis.close();
    } finally {
      raw.destroy();
      await store.stop();
      dir.remove();
    }
  });
});
