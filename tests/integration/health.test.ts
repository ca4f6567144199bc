import { createServer } from "node:net";
import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { HEALTH_PORT_DEFAULT } from "../../server/http/health.ts";
import { HANG_MS } from "../support/patience.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

describe("processes without the server role", function () {
  // Starts processes; a bound against hanging.
  this.timeout(2 * HANG_MS);
  const stores = withStores();
  let services: Services;

  before(async () => {
    services = createServices(stores.env);
  });
  after(async () => {
    await services?.end();
  });

  const addressIn = (lines: readonly string[]): string => {
    const line = lines.find((one) => one.includes('"msg":"ready')) ?? "{}";
    return (JSON.parse(line) as { health?: string }).health ?? "";
  };

  it("two on one machine: each has its pages, says where, is ready, and ends cleanly", async () => {
    // The pages are reachable from other machines without a token: they hold no secret, and can change
    // nothing.
    const first = await services.start({ roles: "scheduler", env: { HOST: "0.0.0.0" } });
    const second = await services.start({ roles: "scheduler,generator", env: { HOST: "0.0.0.0" } });
    const urls = [first, second].map(({ process }) => addressIn(process.lines));
    const ports = urls.map((url) => new URL(url).port);
    expect(new Set(ports).size, "ports").to.equal(2);
    // Other programs on this machine may take the default port, and release it between the two starts.
    for (const [i, { process }] of [first, second].entries()) {
      const said = process.lines.filter((line) => line.includes(`port ${HEALTH_PORT_DEFAULT} is taken`));
      expect(said).to.have.length(ports[i] === String(HEALTH_PORT_DEFAULT) ? 0 : 1);
      if (said.length > 0) expect(said[0]).to.include(`"port":${ports[i]}`).and.include("HEALTH_PORT");
    }
    for (const port of ports) {
      const page = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      expect(await page("/healthz")).to.equal('{"status":"ok"}');
      expect(await page("/readyz")).to.equal('{"status":"ready"}');
      const metrics = await page("/metrics");
      expect(metrics).to.match(/^coupon_scheduler_tick_age_seconds \d/m);
      expect(metrics).to.match(/^process_cpu_seconds_total/m);
    }
    expect(await second.process.stop()).to.equal(0);
    expect(await first.process.stop()).to.equal(0);
  });

  it("a generator has no scheduler: its page tells no age of a tick", async () => {
    const { process } = await services.start({ roles: "generator", env: { HEALTH_PORT: "0" } });
    const metrics = await (await fetch(`${addressIn(process.lines)}/metrics`)).text();
    expect(metrics)
      .to.include("process_cpu_seconds_total")
      .and.not.include("coupon_scheduler_tick_age_seconds");
  });

  it("a HEALTH_PORT that is given and taken ends the start with code 4", async () => {
    const taken = await freePort();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(taken, "127.0.0.1", resolve));
    try {
      const args = ["--roles", "scheduler", "--health-port", String(taken)];
      const { code, stdout, stderr } = await runToEnd(stores.env, args);
      expect(stdout).to.equal("");
      expect(stderr).to.match(/^coupon: port \d+ .*HEALTH_PORT.*\n$/);
      expect(code).to.equal(4);
    } finally {
      holder.close();
    }
  });
});
