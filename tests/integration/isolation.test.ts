import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { HANG_MS } from "../support/patience.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { rawProtocol } from "../support/wire/frames.ts";
import { type StoreProxy, startProxy } from "../support/wire/proxy.ts";
import { withStores } from "../support/with-stores.ts";

/** A server that reaches each store through a proxy of its own. */
type Behind = Service & { readonly links: Record<"redis" | "mongodb", StoreProxy> };

describe("A server that is cut off from the stores", function () {
  // Waits for the clocks of real servers; a bound against hanging.
  this.timeout(4 * HANG_MS);
  const stores = withStores();
  let services: Services;
  const proxies: StoreProxy[] = [];

  before(() => {
    services = createServices(stores.env);
  });
  after(async () => {
    for (const proxy of proxies) proxy.refuse(false);
    await services?.end();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  async function startBehind(): Promise<Behind> {
    const urls = { redis: new URL(stores.env.REDIS_URL), mongodb: new URL(stores.env.MONGODB_URL) };
    const linkTo = async (url: URL) => {
      const proxy = await startProxy(rawProtocol, { host: url.hostname, port: Number(url.port) });
      proxies.push(proxy);
      url.port = String(proxy.address.port);
      return proxy;
    };
    const links = { redis: await linkTo(urls.redis), mongodb: await linkTo(urls.mongodb) };
    const env = { REDIS_URL: urls.redis.href, MONGODB_URL: urls.mongodb.href, GRPC_PORT: "off" };
    return { ...(await services.start({ roles: "server", env })), links };
  }

  const cut = (
    { links }: Behind,
    is: boolean,
    names: readonly ("redis" | "mongodb")[] = ["redis", "mongodb"],
  ) => {
    for (const name of names) links[name].refuse(is);
  };
  const readyz = async ({ url }: Service) => (await fetch(`${url}/readyz`)).status;
  const lines = async ({ url }: Service) => (await (await fetch(`${url}/readyz?verbose`)).text()).split("\n");
  const lostSeconds = async (service: Service, store: string) =>
    Number(
      new RegExp(`\\[-\\]${store} failed: not reached for (\\d+) s`).exec((await lines(service)).join())?.[1],
    );
  const becomes = async (service: Service, status: number) =>
    expect(await until(async () => (await readyz(service)) === status, HANG_MS), `${status}`).to.equal(true);

  it("takes itself out; where no server reaches them, all stay", async () => {
    const [apart, halfApart, other] = await Promise.all([startBehind(), startBehind(), startBehind()]);
    // Without MongoDB it asks the others, which it knows from the heartbeats that it read before.
    const knowsBoth = (line: string) =>
      line.includes("health pages of other servers") && line.includes('"pages":2');
    expect(await until(() => apart.process.lines.some(knowsBoth), HANG_MS)).to.equal(true);

    cut(apart, true);
    cut(halfApart, true, ["redis"]);
    await Promise.all([becomes(apart, 503), becomes(halfApart, 503)]);
    expect(await (await fetch(`${apart.url}/readyz`)).json()).to.deep.equal({ status: "isolated" });
    expect((await lines(halfApart)).join("\n"))
      .to.match(/\[-\]redis failed: not reached for \d+ s\n\[\+\]mongodb ok\n\[-\]isolation failed/)
      .and.to.match(/readyz check failed\n$/);
    expect((await fetch(`${apart.url}/livez`)).status, "no reason to restart it").to.equal(200);
    expect(await readyz(other)).to.equal(200);

    // Now no server reaches Redis: nobody is better off.
    cut(other, true);
    await Promise.all([becomes(apart, 200), becomes(halfApart, 200)]);
    const statuses = new Set<number>();
    const isLost = async () => {
      for (const service of [apart, halfApart, other]) statuses.add(await readyz(service));
      return (await lostSeconds(other, "redis")) >= 9;
    };
    expect(await until(isLost, HANG_MS)).to.equal(true);
    expect([...statuses], "all stay").to.deep.equal([200]);

    for (const service of [apart, halfApart, other]) cut(service, false);
    for (const service of [apart, halfApart, other]) {
      const isWhole = async () => (await lines(service)).every((line) => !line.startsWith("[-]"));
      expect(await until(isWhole, HANG_MS)).to.equal(true);
    }
  });
});
