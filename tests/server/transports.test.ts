import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLifecycle, type Lifecycle } from "../../runtime/lifecycle.ts";
import { createNewConnections } from "../../server/http/new-connections.ts";
import { startTransports } from "../../server/transports.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { stubDeps } from "../support/stub-app.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/** No store is asked here. */
const STORES = { REDIS_URL: "redis://127.0.0.1:1", MONGODB_URL: "mongodb://127.0.0.1:1" };
const PORTS = { PORT: "0", GRPC_PORT: "0", OPERATORS_PORT: "0", OPERATORS_GRPC_PORT: "off" };
const PROXY = { PROXY_PROTOCOL: "on", TRUST_PROXY: "loopback" };

describe("the ports of a process", () => {
  const dir = temporaryDir();
  let made: Certificates;
  let lifecycle: Lifecycle;
  let callers: Socket[];

  before(() => {
    made = makeCertificates(dir.path);
  });
  after(() => dir.remove());
  beforeEach(() => {
    lifecycle = createLifecycle(silentLogger, HANG_MS);
    callers = [];
  });
  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    await lifecycle.release({ hurried: true });
  });

  const tls = () => ({ TLS_CERT_FILE: made.certFile, TLS_KEY_FILE: made.keyFile });
  const settings: Readonly<Record<string, () => Record<string, string>>> = {
    "by themselves": () => ({}),
    "with TLS": tls,
    "behind a balancer that speaks the PROXY protocol": () => PROXY,
    "with TLS behind such a balancer": () => ({ ...tls(), ...PROXY }),
  };

  for (const [name, given] of Object.entries(settings)) {
    it(`${name}: a connection makes requests that can wait do so before it has said a byte`, async () => {
      const connecting = createNewConnections();
      const awaits = connecting.awaiting();
      const addresses = await startTransports({
        ...stubDeps({ connecting }),
        config: readConfig({ ...STORES, ...PORTS, ...given() }),
        lifecycle,
        ending: { stopping: new AbortController(), draining: new AbortController() },
      });
      const urls = Object.entries(addresses);
      expect(urls.map(([listener]) => listener).sort()).to.deep.equal(["grpc", "http", "operators"]);
      for (const [listener, url] of urls) {
        expect(awaits(), "none came").to.equal(false);
        const { hostname, port } = new URL(url);
        const caller = connect({ host: hostname, port: Number(port) }).on("error", () => undefined);
        callers.push(caller);
        await once(caller, "connect");
        expect(await until(awaits, HANG_MS, 1), listener).to.equal(true);
      }
    });
  }
});
