import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { startRedis } from "../../local/redis-server.ts";
import { connectRedis } from "../../pool/redis.ts";
import { UserError } from "../../runtime/user-error.ts";
import { makeCertificates } from "../support/certificates.ts";
import { HANG_MS } from "../support/patience.ts";
import { sharedStack, silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

async function refusalOf(url: string, connectWithinMs: number = HANG_MS): Promise<UserError> {
  const error: unknown = await connectRedis({ url, connectWithinMs, logger: silentLogger }).then(
    (redis) => redis.close(),
    (reason: unknown) => reason,
  );
  if (error instanceof UserError) return error;
  throw new Error("it connected", { cause: error });
}

describe("Redis at the start: REDIS_URL is not of what is there", () => {
  let at = "";
  let dir: ReturnType<typeof temporaryDir>;

  before(async () => {
    const { redis } = await sharedStack();
    at = `${redis.host}:${redis.port}`;
    dir = temporaryDir();
  });
  after(() => dir.remove());

  it("rediss:// to a Redis without TLS: said long before the deadline, with exit code 2", async () => {
    const { message, exitCode } = await refusalOf(`rediss://${at}`);
    expect(message).to.match(/^configuration: REDIS_URL: .* speaks without TLS: redis:\/\/ is without it/);
    expect(exitCode).to.equal(2);
  });

  it("redis:// to a port that speaks TLS: the same the other way round", async () => {
    const { keyFile, certFile } = makeCertificates(dir.path);
    const files = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    const server = createTlsServer(files, (socket) => void socket.resume().on("error", () => undefined));
    server.on("tlsClientError", (_, socket) => void socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const { message, exitCode } = await refusalOf(`redis://127.0.0.1:${port}`);
      expect(message).to.match(/^configuration: REDIS_URL: .* speaks TLS alone: give rediss:\/\/$/);
      expect(exitCode).to.equal(2);
    } finally {
      server.close();
    }
  });

  it("a port that says nothing: the deadline that is named is that of the setting", async () => {
    const server = createServer((socket) => void socket.resume().on("error", () => undefined));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      for (const scheme of ["redis", "rediss"]) {
        const { message, exitCode } = await refusalOf(`${scheme}://127.0.0.1:${port}`, 700);
        expect(message, scheme).to.match(/^no Redis at .*START_DEADLINE_MS, 700 ms, is over/);
        expect(exitCode, scheme).to.equal(3);
      }
    } finally {
      server.close();
    }
  });

  it("a database that Redis does not have: the setting and what is allowed, with exit code 2", async () => {
    const { message, exitCode } = await refusalOf(`redis://${at}/99`);
    expect(message).to.match(
      /^configuration: REDIS_URL: Redis at .* has no database 99: it has 0 to 15 unless/,
    );
    expect(exitCode).to.equal(2);
  });

  it("a node of a cluster whose slots nobody has: no 'no Redis', but what to do with the cluster", async () => {
    const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())];
    const store = await startRedis({ dir: dir.path, args: [...cluster, "--appendonly", "no"] });
    try {
      const { message, exitCode } = await refusalOf(store.url, 3_000);
      expect(message)
        .to.match(/^the Redis Cluster at .* is down \(cluster_state:fail\): .*--cluster create/)
        .and.not.match(/no Redis|start one/);
      expect(exitCode).to.equal(3);
    } finally {
      await store.kill();
    }
  });
});
