import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { createIsProxy } from "../../../runtime/proxy-settings.ts";
import type { BoundConnections } from "../../../server/http/connection-limits.ts";
import { createProxyFront } from "../../../server/http/proxy-front.ts";
import { openTlsFiles } from "../../../server/http/tls-files.ts";
import { createTlsFront } from "../../../server/http/tls-front.ts";
import { addressNoting } from "../../support/address-noting.ts";
import { type Certificates, makeCertificates } from "../../support/certificates.ts";
import { HANG_MS } from "../../support/patience.ts";
import { version1, version2 } from "../../support/proxy-header.ts";
import { enveloped } from "../../support/raw-call.ts";
import { stubApp } from "../../support/stub-app.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";

const CALLER = "203.0.113.7";
const PATH = "/coupon.v1.CouponService/IssueCoupon";
const BODY = JSON.stringify({ campaignId: "c", userId: "u" });
const post = (fields = "") =>
  `POST ${PATH} HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\n${fields}content-length: ${BODY.length}\r\n\r\n${BODY}`;

type Kind = "http" | "grpc" | "tls";

describe("a port with the PROXY protocol", () => {
  const dir = temporaryDir();
  let made: Certificates;
  let seen: string[];
  let cuts: ReturnType<typeof createMetrics>["cuts"];
  let servers: Server[];
  let callers: { destroy(): unknown }[];

  before(() => {
    made = makeCertificates(dir.path);
  });
  after(() => dir.remove());
  beforeEach(() => {
    [seen, servers, callers] = [[], [], []];
  });
  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => void server.close(resolve))));
  });

  type Options = { trusted?: readonly string[]; perSourceMax?: number; headerTimeoutMs?: number };

  async function open(kind: Kind, options: Options = {}): Promise<number> {
    const { trusted = ["127.0.0.1"], perSourceMax = 100, headerTimeoutMs = HANG_MS } = options;
    const metrics = createMetrics();
    cuts = metrics.cuts;
    const bounded: BoundConnections = {
      limits: { most: 100, perSourceMax, isProxy: createIsProxy(trusted) },
      noteCut: (why) => metrics.cuts.inc({ why }),
    };
    const app = stubApp({
      ...{ metrics, connections: bounded.limits },
      ...addressNoting((address) => void seen.push(address)),
    });
    const credentials = await openTlsFiles({ cert: made.certFile, key: made.keyFile, clientCa: undefined });
    if (credentials === undefined) throw new Error("no credentials");
    const clock = systemClock;
    const behind =
      kind === "tls"
        ? createTlsFront({ http: app.http, grpc: app.grpc, credentials, bounded, clock }).server
        : app[kind];
    const allowHalfOpen = kind === "http";
    const { server } = createProxyFront({ behind, allowHalfOpen, bounded, clock, headerTimeoutMs });
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  async function dial(port: number, ...pieces: (Buffer | string)[]): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    callers.push(socket.on("error", () => undefined));
    await once(socket, "connect");
    for (const piece of pieces) {
      await new Promise<void>((resolve) => void socket.write(piece, () => resolve()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return socket;
  }

  /** The first bytes of the answer; empty: the connection ends without one. */
  async function answer(socket: Socket): Promise<string> {
    let said = "";
    socket.on("data", (data: Buffer) => {
      said += data.toString("latin1");
    });
    expect(await until(() => said !== "" || socket.closed, HANG_MS)).to.equal(true);
    return said;
  }

  async function callGrpc(over: Socket | TLSSocket): Promise<void> {
    const session: ClientHttp2Session = connectHttp2("http://x", { createConnection: () => over });
    callers.push(session.on("error", () => undefined));
    const stream = session.request({
      ...{ ":method": "POST", ":path": PATH, te: "trailers", "content-type": "application/grpc+json" },
    });
    stream.end(enveloped(BODY));
    await once(stream.resume(), "close");
  }

  async function tlsOver(socket: Socket, protocol: string): Promise<TLSSocket> {
    const secure = connectTls({
      socket,
      ca: readFileSync(made.caFile),
      ALPNProtocols: [protocol],
      servername: "localhost",
    });
    callers.push(secure);
    await once(secure, "secureConnect");
    return secure;
  }

  const v4 = version2({ family: 0x11, addresses: [203, 0, 113, 7, 10, 0, 0, 1, 0, 1, 0, 2] });

  for (const [what, header] of [
    ["version 1", version1(CALLER)],
    ["version 2", v4],
  ] as const) {
    it(`HTTP/1.1: the declared address is the caller's, and its headers say nothing, ${what}`, async () => {
      const port = await open("http");
      const spoof = "x-forwarded-for: 9.9.9.9\r\n";
      expect(await answer(await dial(port, Buffer.concat([header, Buffer.from(post(spoof))])))).to.match(
        /^HTTP\/1\.1 \d/,
      );
      const gzip = "content-encoding: identity\r\n";
      await answer(await dial(port, header, post(gzip)));
      expect(seen).to.deep.equal([CALLER, CALLER]);
    });

    it(`gRPC, ${what}`, async () => {
      const port = await open("grpc");
      await callGrpc(await dial(port, header));
      expect(seen).to.deep.equal([CALLER]);
    });

    it(`both behind TLS, ${what}`, async () => {
      const port = await open("tls");
      const web = await tlsOver(await dial(port, header), "http/1.1");
      web.write(post());
      await answer(web);
      await callGrpc(await tlsOver(await dial(port, header), "h2"));
      expect(seen).to.deep.equal([CALLER, CALLER]);
    });
  }

  it("a header that comes byte by byte", async () => {
    const port = await open("http");
    await answer(await dial(port, ...[...v4].map((byte) => Buffer.of(byte)), post()));
    expect(seen).to.deep.equal([CALLER]);
  });

  it("a trusted proxy without the header is cut, and that is counted", async () => {
    const port = await open("http");
    expect(await answer(await dial(port, post()))).to.equal("");
    expect(seen).to.deep.equal([]);
    expect((await cuts.get()).values).to.deep.equal([{ labels: { why: "proxy_header" }, value: 1 }]);
  });

  it("a header of somebody else is no request; without it the caller is served as itself", async () => {
    const port = await open("http", { trusted: ["10.0.0.1"] });
    expect(await answer(await dial(port, version1(CALLER), post()))).to.match(/^HTTP\/1\.1 400 /);
    await answer(await dial(port, post()));
    expect(seen).to.deep.equal(["127.0.0.1"]);
  });

  it("a header that does not come is waited for a while, and not counted: a check of the port", async () => {
    const port = await open("http", { headerTimeoutMs: 50 });
    expect(await answer(await dial(port))).to.equal("");
    const left = await dial(port);
    left.end();
    expect(await answer(left)).to.equal("");
    expect((await cuts.get()).values).to.deep.equal([]);
  });

  it("the limit by source counts what the proxy declares", async () => {
    const port = await open("http", { perSourceMax: 1 });
    const first = await dial(port, version1(CALLER), post());
    expect(await answer(first)).to.match(/^HTTP/);
    expect(await answer(await dial(port, version1(CALLER), post()))).to.equal("");
    expect(await answer(await dial(port, version1("203.0.113.8"), post()))).to.match(/^HTTP/);
    expect((await cuts.get()).values).to.deep.equal([{ labels: { why: "source_connections" }, value: 1 }]);
  });
});
