import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { freePort } from "../../../local/free-port.ts";
import { until } from "../../../local/poll.ts";
import { createLifecycle, type Lifecycle } from "../../../runtime/lifecycle.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { addTickGauges, createMetrics } from "../../../runtime/metrics.ts";
import { EXIT, UserError } from "../../../runtime/user-error.ts";
import { HEALTH_PORT_DEFAULT, serveHealth } from "../../../server/http/health.ts";
import type { OwnReadiness } from "../../../server/readiness/readiness.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { readinessUntil } from "../../support/readiness.ts";

const logger = createLogger({ level: "silent", format: "json" });
const HOST = "127.0.0.1";

describe("health pages on a port of their own", () => {
  let lifecycle: Lifecycle;
  let readiness: OwnReadiness;
  const holders: Server[] = [];

  beforeEach(() => {
    lifecycle = createLifecycle(logger, HANG_MS);
    readiness = readinessUntil(lifecycle);
  });
  afterEach(async () => {
    await lifecycle.release();
    for (const holder of holders.splice(0)) holder.close();
  });

  const serve = (port: number | undefined, metrics = createMetrics()) =>
    serveHealth({
      at: { host: HOST, hostSetting: "HOST", port, setting: "HEALTH_PORT" },
      ...{ logger, metrics, lifecycle, readiness },
      connections: { perSourceMax: 3, isProxy: () => false },
    });

  /** Takes the port, unless another program has it. */
  const hold = (port: number) =>
    new Promise<void>((resolve) => {
      const holder = createServer();
      holder.once("error", () => resolve());
      holder.listen(port, HOST, () => {
        holders.push(holder);
        resolve();
      });
    });

  async function readyz(url: string): Promise<[status: number, said: unknown]> {
    const response = await fetch(`${url}/readyz`);
    return [response.status, ((await response.json()) as { status: string }).status];
  }

  it("alive at once; ready when the roles are started; draining until all else is given back; then gone", async () => {
    const health = await serve(0);
    expect(await (await fetch(`${health.url}/healthz`)).json()).to.deep.equal({ status: "ok" });
    expect(await readyz(health.url)).to.deep.equal([503, "starting"]);
    readiness.started();
    expect(await readyz(health.url)).to.deep.equal([200, "ready"]);
    let whileReleasing: unknown;
    lifecycle.onRelease("what was taken later", async () => {
      whileReleasing = await readyz(health.url);
    });
    expect(await lifecycle.release(), "all given back").to.equal(true);
    expect(whileReleasing).to.deep.equal([503, "draining"]);
    const gone = await fetch(`${health.url}/healthz`).then(
      () => "answers",
      () => "refused",
    );
    expect(gone).to.equal("refused");
  });

  it("?verbose tells each check in the form of Kubernetes, and nothing else", async () => {
    const { url } = await serve(0);
    const page = async (path: string) => {
      const response = await fetch(url + path);
      expect(response.headers.get("content-type")).to.match(/^text\/plain/);
      return [response.status, (await response.text()).split("\n")];
    };
    expect(await page("/livez?verbose")).to.deep.equal([200, ["[+]ping ok", "livez check passed", ""]]);
    const stores = ["[+]redis ok", "[+]mongodb ok"];
    expect(await page("/readyz?verbose")).to.deep.equal([
      503,
      [
        "[-]started failed: the roles are being started",
        ...stores,
        "[+]isolation ok",
        "[+]shutdown ok",
        "readyz check failed",
        "",
      ],
    ]);
    readiness.started();
    const last = ["[+]isolation ok", "[+]shutdown ok", "readyz check passed", ""];
    expect(await page("/readyz?verbose")).to.deep.equal([200, ["[+]started ok", ...stores, ...last]]);
    readiness.isolate(true);
    const [status, lines] = await page("/readyz?verbose");
    expect([status, await readyz(url)]).to.deep.equal([503, [503, "isolated"]]);
    expect(lines).to.include("[-]isolation failed: for 0 s; another server reaches both stores");
  });

  it("/metrics tells the age of the last tick: before the first, since the start", async () => {
    const metrics = createMetrics();
    const clock = fakeClock();
    let sinceMs: number | undefined;
    addTickGauges(metrics.registry, () => sinceMs, clock);
    const { url } = await serve(0, metrics);
    const age = async () =>
      /^coupon_scheduler_tick_age_seconds (.+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    clock.pass(7_000);
    expect(await age()).to.equal("7");
    sinceMs = 250;
    expect(await age()).to.equal("0.25");
  });

  it("what else is asked for is answered with 404, and why", async () => {
    const { url } = await serve(0);
    const response = await fetch(`${url}/coupon.v1.CampaignService/ListCampaigns`, { method: "POST" });
    expect(response.status).to.equal(404);
    expect(await response.text()).to.include("health pages alone");
  });

  it("one caller does not take all connections: beyond its cap they are closed, and counted", async () => {
    const metrics = createMetrics();
    const { url } = await serve(0, metrics);
    const callers: Socket[] = [];
    try {
      for (let i = 0; i < 4; i++) {
        const caller = connect(Number(new URL(url).port), HOST);
        callers.push(caller.on("error", () => undefined).resume());
        await once(caller, "connect");
      }
      const closed = () => callers.map((caller) => caller.closed);
      expect(await until(() => closed().includes(true), HANG_MS)).to.equal(true);
      expect(closed()).to.deep.equal([false, false, false, true]);
      const { values } = await metrics.cuts.get();
      expect(values).to.deep.equal([{ labels: { why: "source_connections" }, value: 1 }]);
    } finally {
      for (const caller of callers) caller.destroy();
    }
  });

  it("a HEALTH_PORT that is given and taken: told by its name, with the code of a taken port", async () => {
    const port = await freePort();
    await hold(port);
    const trouble = await serve(port).catch((error: unknown) => error);
    expect(trouble).to.be.instanceOf(UserError);
    expect((trouble as UserError).exitCode).to.equal(EXIT.portTaken);
    expect((trouble as UserError).message)
      .to.include(`port ${port}`)
      .and.match(/HEALTH_PORT or --health-port/);
  });

  it("the default is taken: any free port, and that is said", async () => {
    await hold(HEALTH_PORT_DEFAULT);
    const health = await serve(undefined);
    expect(new URL(health.url).port).not.to.equal(String(HEALTH_PORT_DEFAULT));
    expect((await fetch(`${health.url}/healthz`)).status).to.equal(200);
  });
});
