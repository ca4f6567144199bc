import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import type { ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import type { CouponService } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { readConfig } from "../../../runtime/config.ts";
import { createLifecycle, type Lifecycle } from "../../../runtime/lifecycle.ts";
import { toConnectError } from "../../../server/rpc/rpc-status.ts";
import { startTransports } from "../../../server/transports.ts";
import { type Certificates, makeCertificates } from "../../support/certificates.ts";
import { openSale } from "../../support/open-sale.ts";
import { HANG_MS } from "../../support/patience.ts";
import { version1 } from "../../support/proxy-header.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { stubDeps } from "../../support/stub-app.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { withStores } from "../../support/with-stores.ts";
import { claimServer } from "../claim-auth/claim-server.ts";

/** No store is asked by the stand-in behind these ports. */
const STORES = { REDIS_URL: "redis://127.0.0.1:1", MONGODB_URL: "mongodb://127.0.0.1:1" };
const PROXY = { PROXY_PROTOCOL: "on", TRUST_PROXY: "loopback" };
const SOLD_OUT = { reason: "SOLD_OUT" } as const;
/** In each turn of the event loop all that has come is read: more than one is enough. */
const TURNS = 20;

const post = (body: string, fields = "") =>
  `POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;

/** Sends all and ends its side, as `nc -N` does; what comes back is added to `got`. */
function callAndEnd(socket: Socket, bytes: string | Buffer): { got: string; ended: boolean } {
  const heard = { got: "", ended: false };
  socket
    .on("error", () => undefined)
    .on("data", (data: Buffer) => {
      heard.got += data.toString("utf8");
    });
  socket.once("close", () => {
    heard.ended = true;
  });
  socket.end(bytes);
  return heard;
}

async function seenToEnd(socket: Socket): Promise<void> {
  expect(await until(() => socket.writableFinished, HANG_MS, 1)).to.equal(true);
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
}

describe("a caller that ends its side of the connection after its request", () => {
  const dir = temporaryDir();
  let made: Certificates;
  let lifecycle: Lifecycle;
  let callers: Socket[];
  let waiting: (() => void)[];

  before(() => {
    made = makeCertificates(dir.path);
  });
  after(() => dir.remove());
  beforeEach(() => {
    lifecycle = createLifecycle(silentLogger, HANG_MS);
    [callers, waiting] = [[], []];
  });
  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    await lifecycle.release({ hurried: true });
  });

  async function open(settings: Record<string, string>): Promise<number> {
    const asked = () => new Promise<void>((resolve) => void waiting.push(resolve));
    const { http = "" } = await startTransports({
      ...stubDeps({
        issueCoupon: () => asked().then(() => ({ kind: "refused", refusal: SOLD_OUT })),
        couponService: {
          async issueCoupon() {
            await asked();
            throw toConnectError(SOLD_OUT, 0);
          },
        } as unknown as ServiceImpl<typeof CouponService>,
      }),
      config: readConfig({ ...STORES, PORT: "0", GRPC_PORT: "off", ...settings }),
      lifecycle,
      ending: { stopping: new AbortController(), draining: new AbortController() },
    });
    return Number(new URL(http).port);
  }

  const tls = () => ({ TLS_CERT_FILE: made.certFile, TLS_KEY_FILE: made.keyFile });
  const plain = (port: number) => connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const secure = (port: number, version: "TLSv1.2" | "TLSv1.3") =>
    connectTls({
      ...{ port, host: "127.0.0.1", allowHalfOpen: true, ca: readFileSync(made.caFile) },
      ...{ ALPNProtocols: ["http/1.1"], minVersion: version, maxVersion: version },
    });

  type Port = {
    readonly settings: () => Record<string, string>;
    readonly dial: (port: number) => Socket;
    readonly before?: Buffer;
  };
  const PORTS: Readonly<Record<string, Port>> = {
    "the plain port": { settings: () => ({}), dial: plain },
    "the port behind a balancer": { settings: () => PROXY, dial: plain, before: version1("203.0.113.7") },
    "TLS 1.2": { settings: tls, dial: (port) => secure(port, "TLSv1.2") },
    "TLS 1.3": { settings: tls, dial: (port) => secure(port, "TLSv1.3") },
  };
  const WAYS = { "the fast path": "", "the framework": "content-encoding: identity\r\n" };

  for (const [name, { settings, dial, before }] of Object.entries(PORTS)) {
    for (const [way, fields] of Object.entries(WAYS)) {
      it(`gets its answer, then the connection ends: ${name}, ${way}`, async () => {
        const caller = dial(await open(settings()));
        callers.push(caller);
        const request = Buffer.from(post('{"campaignId":"c","userId":"u"}', fields));
        const heard = callAndEnd(caller, Buffer.concat([before ?? Buffer.alloc(0), request]));
        expect(await until(() => waiting.length === 1 || heard.ended, HANG_MS)).to.equal(true);
        await seenToEnd(caller);
        for (const answer of waiting) answer();
        expect(await until(() => heard.ended, HANG_MS)).to.equal(true);
        expect(heard.got).to.match(/^HTTP\/1\.1 400 /);
        expect(heard.got).to.include("all coupons are gone");
      });
    }
  }

  it("pipelined: all are answered, in order", async () => {
    const caller = plain(await open({}));
    callers.push(caller);
    const heard = callAndEnd(caller, post('{"campaignId":"c","userId":"u"}').repeat(3));
    expect(await until(() => waiting.length === 3 || heard.ended, HANG_MS)).to.equal(true);
    await seenToEnd(caller);
    for (const answer of waiting.reverse()) answer();
    expect(await until(() => heard.ended, HANG_MS)).to.equal(true);
    expect(heard.got.split("all coupons are gone")).to.have.length(4);
  });

  it("half a request ends with it", async () => {
    const caller = plain(await open({}));
    callers.push(caller);
    const heard = callAndEnd(caller, post('{"campaignId":"c","userId":"u"}').slice(0, -5));
    expect(await until(() => heard.ended, HANG_MS)).to.equal(true);
    expect(waiting).to.have.length(0);
  });

  describe("whose claim waits", () => {
    const stores = withStores();

    it("gets the coupon that is claimed for it", async () => {
      let claim: (() => void) | undefined;
      const sale = await openSale(stores, {
        pool: (real) => ({
          ...real,
          async claim(...args) {
            await new Promise<void>((resolve) => {
              claim = resolve;
            });
            return real.claim(...args);
          },
        }),
      });
      const server = await claimServer(stores, sale, { mode: "open" });
      try {
        const caller = plain(server.port);
        callers.push(caller);
        const body = JSON.stringify({ campaignId: sale.campaign._id, userId: "u" });
        const heard = callAndEnd(caller, post(body));
        expect(await until(() => claim !== undefined || heard.ended, HANG_MS)).to.equal(true);
        await seenToEnd(caller);
        claim?.();
        expect(await until(() => heard.ended, HANG_MS)).to.equal(true);
        expect(heard.got)
          .to.match(/^HTTP\/1\.1 200 /)
          .and.include(sale.codes[0]);
      } finally {
        await server.close();
      }
    });
  });
});
