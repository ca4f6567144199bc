import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Certificates, makeCertificates, signCertificate } from "../support/certificates.ts";
import { type Clients, clientsOver } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { refusedIsUnavailable } from "../support/refused-stream.ts";
import { runCli } from "../support/run-cli.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { createServices, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

const TOKEN = "a-token-of-the-tls-test";
const CALLS_IN_FLIGHT = 32;
/** No call times out, and no store counts as stalled, because the machine is busy. */
const PATIENT = {
  ...{ STORE_DEADLINE_MS: "30000", COMMIT_DEADLINE_MS: "30000", ISSUE_DEADLINE_MS: "30000" },
  ...{ STORE_STALL_MS: "30000", COMMIT_STALL_MS: "30000", DRAIN_DEADLINE_MS: "60000" },
};

describe("A service with TLS", function () {
  // Starts processes; a bound against hanging.
  this.timeout(3 * HANG_MS);
  const stores = withStores();
  const dir = temporaryDir();
  let made: Certificates;
  let env: Record<string, string>;
  let services: Services;
  const sessions: Http2SessionManager[] = [];

  before(() => {
    made = makeCertificates(dir.path);
    env = { ...PATIENT, OPERATOR_TOKEN: TOKEN, TLS_CERT_FILE: made.certFile, TLS_KEY_FILE: made.keyFile };
    services = createServices({ ...stores.env, ...env });
  });
  afterEach(() => {
    for (const session of sessions.splice(0)) session.abort();
  });
  after(async () => {
    await services?.end();
    dir.remove();
  });

  const ca = () => readFileSync(made.caFile);
  const authorization = `Bearer ${TOKEN}`;
  const withToken: typeof refusedIsUnavailable = (next) => (request) => {
    request.header.set("authorization", authorization);
    return next(request);
  };

  function connectOver(baseUrl: string, httpVersion: "1.1" | "2", more: object = {}): Clients {
    const interceptors = [withToken];
    const nodeOptions = { ca: ca(), ...more };
    return clientsOver(createConnectTransport({ baseUrl, httpVersion, interceptors, nodeOptions } as never));
  }

  function grpcOver(baseUrl: string): Clients {
    const sessionManager = new Http2SessionManager(baseUrl, undefined, { ca: ca() });
    sessions.push(sessionManager);
    return clientsOver(
      createGrpcTransport({ baseUrl, sessionManager, interceptors: [refusedIsUnavailable, withToken] }),
    );
  }

  it("serves Connect and gRPC on one port, with several workers, to callers and operators", async () => {
    const { url, grpcUrl } = await services.start({ env: { WORKERS: "2" } });
    expect(url).to.match(/^https:/);
    expect(grpcUrl, "no port for gRPC alone").to.equal("");
    const campaignId = await createOpenCampaign(connectOver(url, "1.1"), { total: 10 });
    const claim = (clients: Clients, i: number) =>
      clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
    expect((await claim(connectOver(url, "1.1"), 1)).replayed).to.equal(false);
    expect((await claim(grpcOver(url), 2)).replayed).to.equal(false);
    expect((await claim(grpcOver(url), 1)).replayed).to.equal(true);
    const { code, stderr } = await runCli(["list"], {
      url,
      env: { COUPON_TOKEN: TOKEN, NODE_EXTRA_CA_CERTS: made.caFile },
    });
    expect([code, stderr]).to.deep.equal([0, ""]);
    const plain = await runCli(["list", "--retries", "0"], { url: url.replace("https:", "http:") });
    expect(plain.stderr).to.include("answers in TLS only").and.include(url);
  });

  it("a session that one worker began is resumed by any of them", async () => {
    const { url } = await services.start({ env: { WORKERS: "2" } });
    const { hostname: host, port } = new URL(url);
    let session: Buffer | undefined;
    // Of so many connections in a row one worker of two does not get all by chance.
    for (let visit = 0; visit <= 24; visit++) {
      const socket = connectTls({ host, port: Number(port), ca: ca(), ...(session && { session }) });
      socket.on("session", (ticket: Buffer) => {
        session ??= ticket;
      });
      let isResumed = false;
      socket.once("secureConnect", () => {
        isResumed = socket.isSessionReused();
      });
      socket.on("error", () => undefined);
      socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      socket.resume();
      await new Promise((resolve) => socket.once("close", resolve));
      if (visit > 0) expect(isResumed, `visit ${visit}`).to.equal(true);
    }
  });

  it("a port for gRPC that is set has TLS, too", async () => {
    const { url, grpcUrl } = await services.start({ env: { GRPC_PORT: "0" } });
    expect(grpcUrl)
      .to.match(/^https:/)
      .and.not.equal(url);
    const campaigns = await grpcOver(grpcUrl).campaigns.listCampaigns({});
    expect(campaigns.campaigns).to.be.an("array");
  });

  it("operators need a certificate where the settings say so; callers need none", async () => {
    const more = { OPERATORS_PORT: "0", OPERATORS_CLIENT_CA_FILE: made.caFile, HEALTH_PORT: "0" };
    const { url, addresses } = await services.start({ env: more });
    const operators = addresses.operators ?? "";
    const kim = signCertificate(dir.path, "kim");
    const certificate = { cert: readFileSync(kim.certFile), key: readFileSync(kim.keyFile) };
    const list = (clients: Clients) =>
      clients.campaigns.listCampaigns({}).then(
        () => "answered",
        (error: unknown) => Code[ConnectError.from(error).code],
      );
    expect(await list(connectOver(operators, "1.1", certificate))).to.equal("answered");
    expect(await list(connectOver(operators, "1.1"))).to.not.equal("answered");
    expect(await list(connectOver(url, "1.1"))).to.equal("Unimplemented");
    const cli = { COUPON_TOKEN: TOKEN, NODE_EXTRA_CA_CERTS: made.caFile };
    const shown = { COUPON_CLIENT_CERT_FILE: kim.certFile, COUPON_CLIENT_KEY_FILE: kim.keyFile };
    const listed = await runCli(["list"], { url: operators, env: { ...cli, ...shown } });
    expect([listed.code, listed.stderr]).to.deep.equal([0, ""]);
    const refused = await runCli(["list", "--retries", "0"], { url: operators, env: cli });
    expect(refused.code).to.not.equal(0);
    const half = await runCli(["list"], { url: operators, env: { ...cli, COUPON_CLIENT_CERT_FILE: "x" } });
    expect(half.stderr).to.include("COUPON_CLIENT_CERT_FILE and COUPON_CLIENT_KEY_FILE belong together");
    expect((await fetch(`${addresses.health}/readyz`)).status, "the health port has no TLS").to.equal(200);
  });

  it("a stop under load over gRPC and TLS ends cleanly, and every call is answered or can be sent again", async () => {
    const service = await services.start();
    const campaignId = await createOpenCampaign(connectOver(service.url, "1.1"), { total: 20_000 });
    const { coupons } = grpcOver(service.url);
    let asked = 0;
    let isOver = false;
    const ends = new Map<string, number>();
    const callOn = async () => {
      while (!isOver) {
        const told = await coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${asked++}` }).then(
          () => "answered",
          (error: unknown) => Code[ConnectError.from(error).code] ?? "",
        );
        ends.set(told, (ends.get(told) ?? 0) + 1);
        if (told !== "answered") return;
      }
    };
    const calls = Array.from({ length: CALLS_IN_FLIGHT }, callOn);
    expect(await until(() => (ends.get("answered") ?? 0) > 200, HANG_MS)).to.equal(true);
    expect(await service.process.stop(HANG_MS), "exit code").to.equal(0);
    isOver = true;
    await Promise.all(calls);
    expect([...ends.keys()].filter((told) => !["answered", "Unavailable"].includes(told))).to.deep.equal([]);
  });

  it("a head that does not end is cut on a port with TLS, too", async () => {
    const { url } = await services.start();
    const socket = connectTls({ host: "127.0.0.1", port: Number(new URL(url).port), ca: ca() });
    socket.write("GET /readyz HTTP/1.1\r\nHost: x");
    let said = "";
    socket.on("data", (data: Buffer) => {
      said += data.toString();
    });
    expect(await until(() => socket.closed, HANG_MS)).to.equal(true);
    expect(said).to.match(/^HTTP\/1\.1 408 /);
  });

  it("wrong files end the start with exit code 2 and the name of the setting", async () => {
    writeFileSync(join(dir.path, "garbage"), "no PEM");
    const rows: readonly [more: Record<string, string>, said: RegExp][] = [
      [{ TLS_KEY_FILE: join(dir.path, "garbage") }, /TLS_KEY_FILE: the file has no private key/],
      [{ TLS_CERT_FILE: join(dir.path, "none"), WORKERS: "2" }, /TLS_CERT_FILE: .*ENOENT/],
      [{ TLS_CERT_FILE: "server.crt" }, /TLS_CERT_FILE: "server\.crt" must be the absolute path/],
      [{ TLS_KEY_FILE: "" }, /TLS_CERT_FILE and TLS_KEY_FILE belong together/],
      [{ OPERATORS_CLIENT_CA_FILE: made.caFile }, /OPERATORS_CLIENT_CA_FILE needs OPERATORS_PORT/],
    ];
    for (const [more, said] of rows) {
      const { code, stdout, stderr } = await runToEnd({ ...stores.env, ...env, PORT: "0", ...more });
      expect(stderr)
        .to.match(/^coupon: configuration: .*\n$/)
        .and.match(said);
      expect([code, stdout]).to.deep.equal([2, ""]);
    }
  });
});
