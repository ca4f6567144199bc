import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { startService } from "../../local/service-process.ts";
import { HANG_MS } from "../support/patience.ts";

const FIXTURES = "tests/local/fixtures";

describe("A service as a child process", () => {
  const start = async () => {
    const port = await freePort();
    return startService({
      entry: `${FIXTURES}/small-service.mjs`,
      args: ["here"],
      env: { PORT: String(port) },
      baseUrl: `http://127.0.0.1:${port}`,
    });
  };

  it("is waited for by line and by HTTP, drains on stop and says its exit code", async () => {
    const service = await start();
    await service.waitForHttp("/healthz", 10_000);
    expect(await service.waitForLine((line) => line.startsWith("listening"), HANG_MS)).to.equal(
      "listening here",
    );
    expect(await service.stop()).to.equal(7);
    expect(await service.waitForLine((line) => line === "draining", HANG_MS)).to.equal("draining");
    expect(service.lines).to.include("on stderr, secret absent");
    expect([service.isRunning, await service.stop()]).to.deep.equal([false, 7]);
  });

  it("can be paused, resumed and killed", async () => {
    const service = await start();
    await service.waitForHttp("/", 10_000);
    service.pause();
    const paused = await service.waitForHttp("/", 300).catch((error: Error) => error.message);
    expect(paused).to.match(/did not answer 200 at \/ within 300 ms/);
    service.resume();
    await service.waitForHttp("/", 10_000);
    await service.kill();
    expect(await service.exited).to.deep.equal({ code: null, signal: "SIGKILL" });
    expect(await service.stop()).to.equal(137);
  });

  it("is killed when it does not drain in time", async () => {
    const service = startService({ entry: `${FIXTURES}/child-with-child.mjs`, env: {} });
    await service.waitForLine((line) => line.startsWith("grandchild"), HANG_MS);
    expect(await service.stop(200)).to.equal(137);
  });

  it("tells its last words when it ends instead of getting ready", async () => {
    for (const wait of ["waitForHttp", "waitForLine"] as const) {
      const service = startService({
        entry: `${FIXTURES}/failing-service.mjs`,
        env: {},
        baseUrl: "http://127.0.0.1:1",
      });
      const waiting =
        wait === "waitForHttp" ? service.waitForHttp("/", 10_000) : service.waitForLine(() => false, HANG_MS);
      const message = await waiting.then(
        () => "",
        (error: Error) => error.message,
      );
      expect(message).to.match(/ended \(code 3, signal null\)/);
      expect(message).to.include("cannot read the configuration");
    }
  });
});
