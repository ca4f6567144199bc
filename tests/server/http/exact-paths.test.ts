import { expect } from "chai";
import { createLifecycle } from "../../../runtime/lifecycle.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { serveHealth } from "../../../server/http/health.ts";
import { readinessUntil } from "../../support/readiness.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const PAGES = ["/healthz", "/livez", "/readyz", "/metrics"];
const RPC = "/coupon.v1.CouponService/IssueCoupon";

describe("a path is served in its one spelling only", () => {
  let app: StubApp;
  let end: () => Promise<unknown>;
  const bases: string[] = [];

  before(async () => {
    app = await openStubApp();
    const lifecycle = createLifecycle(silentLogger, 5_000);
    const connections = { perSourceMax: 10, isProxy: () => false };
    const health = await serveHealth({
      at: { host: "127.0.0.1", hostSetting: "HOST", port: 0, setting: "HEALTH_PORT" },
      connections,
      ...{ logger: silentLogger, metrics: createMetrics(), lifecycle, readiness: readinessUntil(lifecycle) },
    });
    bases.push(`http://127.0.0.1:${app.port}`, health.url);
    end = () => Promise.all([app.close(), lifecycle.release()]);
  });
  after(() => end());

  it("pages, with and without the server role", async () => {
    for (const base of bases) {
      for (const path of PAGES) {
        expect((await fetch(base + path)).status, path).to.not.equal(404);
        const others = [path.toUpperCase(), `${path}/`, `/${path}`, path.replace("e", "%65"), `${path}%20`];
        for (const other of [...others, path.replace("e", "E")])
          expect((await fetch(base + other)).status, other).to.equal(404);
      }
    }
  });

  it("calls", async () => {
    const ask = (path: string) =>
      fetch(`http://127.0.0.1:${app.port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: `{"campaignId":"x"}`,
      });
    expect((await ask(RPC)).status).to.equal(400);
    for (const other of [RPC.toUpperCase(), RPC.toLowerCase(), `${RPC}/`, `/${RPC}`])
      expect((await ask(other)).status, other).to.equal(404);
  });
});
