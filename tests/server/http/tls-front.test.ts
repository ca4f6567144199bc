import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { request } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import type { TlsFiles } from "../../../runtime/tls-settings.ts";
import { UserError } from "../../../runtime/user-error.ts";
import { TICKET_KEY_PERIOD_MS } from "../../../server/http/ticket-keys.ts";
import {
  openTlsFiles,
  TLS_LOOK_EVERY_MS,
  type TlsWatch,
  watchTlsFiles,
} from "../../../server/http/tls-files.ts";
import { createTlsFront, type TlsFront } from "../../../server/http/tls-front.ts";
import { type Certificates, makeCertificates, signCertificate } from "../../support/certificates.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { FLAG, FRAME, frame, GRPC_CALL, headerBlock, PREFACE } from "../../support/http2-frames.ts";
import { HANG_MS } from "../../support/patience.ts";
import { stubApp } from "../../support/stub-app.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";

const HOST = "127.0.0.1";

describe("a port with TLS", () => {
  const dir = temporaryDir();
  let made: Certificates;
  let front: TlsFront;
  let port: number;
  let clock: ReturnType<typeof fakeClock>;
  let watch: TlsWatch | undefined;
  let callers: { destroy(): unknown }[];
  let lines: string[];
  let cuts: ReturnType<typeof createMetrics>["cuts"];
  let end: () => Promise<void>;

  before(() => {
    made = makeCertificates(dir.path);
  });
  after(() => dir.remove());
  beforeEach(() => {
    callers = [];
    lines = [];
    watch = undefined;
  });
  afterEach(async () => {
    watch?.stop();
    for (const caller of callers) caller.destroy();
    await end();
  });

  type Options = { clientCa?: string; perSourceMax?: number; handshakeTimeoutMs?: number };

  async function open({ clientCa, perSourceMax = 100, handshakeTimeoutMs = 2 * HANG_MS }: Options = {}) {
    clock = fakeClock();
    const metrics = createMetrics();
    cuts = metrics.cuts;
    const app = stubApp({ metrics });
    // Copies: a test replaces them.
    const files: TlsFiles = { cert: join(dir.path, "used.crt"), key: join(dir.path, "used.key"), clientCa };
    copyFileSync(made.certFile, files.cert);
    copyFileSync(made.keyFile, files.key);
    const credentials = await openTlsFiles(files);
    if (credentials === undefined) throw new Error("no credentials");
    front = createTlsFront({
      ...{ http: app.http, grpc: app.grpc, credentials, clock, handshakeTimeoutMs },
      bounded: {
        limits: { most: 100, perSourceMax, isProxy: () => false },
        noteCut: (why) => metrics.cuts.inc({ why }),
      },
    });
    const write = (line: string) => void lines.push(line);
    const logger = createLogger({ level: "info", format: "json", destination: { write } });
    watch = watchTlsFiles({ files, first: credentials, renew: front.renew, clock, logger });
    await new Promise<void>((resolve) => void front.server.listen(0, HOST, resolve));
    port = (front.server.address() as AddressInfo).port;
    const sockets = new Set<Socket>();
    front.server.on("connection", (socket: Socket) => void sockets.add(socket));
    end = async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => void front.server.close(resolve));
      app.http.close();
    };
    return files;
  }

  const trusted = () => ({ host: HOST, port, ca: readFileSync(made.caFile) });

  /** The status of a page, and the protocol by ALPN. */
  async function readyz(more: ConnectionOptions = {}): Promise<unknown[]> {
    const sent = request({ ...trusted(), agent: false, ...more, path: "/readyz" } as object);
    sent.end();
    const [response] = await once(sent, "response");
    const { alpnProtocol } = response.socket as TLSSocket;
    await once(response.resume(), "end");
    return [response.statusCode, alpnProtocol];
  }

  /** A handshake; resolves when it is done, or with the error that ended it. */
  function greet(more: ConnectionOptions = {}): Promise<{ socket: TLSSocket; error?: Error }> {
    const socket = connectTls({ ...trusted(), ...more });
    callers.push(socket);
    return new Promise((resolve) => {
      // Under TLS 1.3 a refusal of the caller's certificate comes after the caller has done its part.
      socket.once("error", (error) => resolve({ socket, error }));
      socket.once("close", () => resolve({ socket, error: new Error("closed") }));
      socket.once("secureConnect", () => {
        socket.write("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
        socket.once("data", () => resolve({ socket }));
      });
    });
  }

  async function silent(): Promise<Socket> {
    const caller = connect(port, HOST).on("error", () => undefined);
    callers.push(caller);
    await once(caller.resume(), "connect");
    return caller;
  }

  const serialOf = async () => (await greet()).socket.getPeerCertificate().serialNumber;

  it("HTTP/1.1 by ALPN, and without ALPN", async () => {
    await open();
    expect(await readyz({ ALPNProtocols: ["http/1.1"] })).to.deep.equal([200, "http/1.1"]);
    expect(await readyz()).to.deep.equal([200, false]);
  });

  it("HTTP/2 by ALPN, which is preferred", async () => {
    await open();
    const session = connectHttp2(`https://${HOST}:${port}`, {
      ...{ ca: readFileSync(made.caFile), ALPNProtocols: ["http/1.1", "h2"] },
    });
    callers.push(session);
    for (const [method, path, status] of [
      ["POST", "/nothing", 404],
      ["GET", "/healthz", 200],
      ["GET", "/readyz", 200],
    ]) {
      const stream = session.request({ ":path": path, ":method": method } as OutgoingHttpHeaders);
      const [headers] = await once(stream, "response");
      expect([path, headers[":status"], session.alpnProtocol]).to.deep.equal([path, status, "h2"]);
    }
  });

  it("a caller that speaks neither is refused in the handshake", async () => {
    await open();
    expect((await greet({ ALPNProtocols: ["spdy/3"] })).error?.message).to.match(/no application protocol/);
  });

  it("TLS 1.1 is refused, TLS 1.2 is not", async () => {
    await open();
    const old = await greet({ maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" });
    expect(old.error?.message).to.match(/protocol version/);
    const { socket } = await greet({ maxVersion: "TLSv1.2" });
    expect(socket.getProtocol()).to.equal("TLSv1.2");
  });

  it("plain HTTP is closed, and the port goes on", async () => {
    await open();
    const caller = await silent();
    caller.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await until(() => caller.closed, HANG_MS)).to.equal(true);
    expect(await readyz()).to.deep.equal([200, false]);
  });

  it("a caller that does not finish its handshake is cut", async () => {
    await open({ handshakeTimeoutMs: 100 });
    const caller = await silent();
    expect(await until(() => caller.closed, HANG_MS)).to.equal(true);
  });

  it("connections count for their source before their handshake", async () => {
    await open({ perSourceMax: 2 });
    const three = [await silent(), await silent(), await silent()];
    expect(await until(() => three.some(({ closed }) => closed), HANG_MS)).to.equal(true);
    expect(three.map(({ closed }) => closed)).to.deep.equal([false, false, true]);
    expect((await cuts.get()).values).to.deep.equal([{ labels: { why: "source_connections" }, value: 1 }]);
  });

  it("the limits of HTTP/2 hold behind TLS: rapid resets end the connection", async () => {
    await open();
    const attacker = connectTls({ ...trusted(), ALPNProtocols: ["h2"] }).on("error", () => undefined);
    callers.push(attacker.resume());
    await once(attacker, "secureConnect");
    const cancel = Buffer.from([0, 0, 0, 8]);
    const calls = Array.from({ length: 500 }, (_, i) => [
      frame(FRAME.headers, FLAG.endHeaders, 2 * i + 1, headerBlock(GRPC_CALL)),
      frame(FRAME.reset, 0, 2 * i + 1, cancel),
    ]);
    attacker.write(Buffer.concat([PREFACE, frame(FRAME.settings, FLAG.ack, 0), ...calls.flat()]));
    expect(await until(() => attacker.closed, HANG_MS)).to.equal(true);
    expect((await cuts.get()).values).to.deep.equal([{ labels: { why: "resets" }, value: 1 }]);
  });

  it("a drain ends handshakes that hang, and then the port is closed", async () => {
    await open();
    const caller = await silent();
    const came = () =>
      new Promise<number>((resolve) => front.server.getConnections((_, count) => resolve(count)));
    expect(await until(async () => (await came()) === 1, HANG_MS)).to.equal(true);
    const drained = front.drainHandshakes({ patienceMs: 5_000, idleMs: 1_000 });
    expect(await until(() => !front.server.listening, HANG_MS)).to.equal(true);
    expect(caller.closed).to.equal(false);
    clock.pass(1_000);
    expect(await until(() => caller.closed, HANG_MS)).to.equal(true);
    await drained;
  });

  describe("with certificates of its callers", () => {
    it("needs one of the authority: none, or one of another authority, is refused", async () => {
      await open({ clientCa: made.caFile });
      const client = signCertificate(dir.path, "kim");
      const pem = ({ certFile, keyFile }: typeof client) => ({
        cert: readFileSync(certFile),
        key: readFileSync(keyFile),
      });
      expect((await greet()).error).to.be.instanceOf(Error);
      const other = join(dir.path, "other");
      mkdirSync(other, { recursive: true });
      expect((await greet(pem(makeCertificates(other)))).error).to.be.instanceOf(Error);
      expect(await readyz(pem(client))).to.deep.equal([200, false]);
    });
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const)
    it(`looks at the certificate of its caller in each handshake, also where a ${version} session is resumed`, async () => {
      const { certFile, keyFile } = signCertificate(dir.path, "operator");
      const mine = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
      const greeting = {
        host: HOST,
        ca: readFileSync(made.caFile),
        minVersion: version,
        maxVersion: version,
      };
      for (const clientCa of [undefined, made.caFile]) {
        watch?.stop();
        if (clientCa !== undefined) await end();
        await open(clientCa === undefined ? {} : { clientCa });
        const sessions: Buffer[] = [];
        const first = connectTls({ ...greeting, port, ...mine });
        callers.push(first);
        first.on("session", (session: Buffer) => void sessions.push(session)).on("error", () => undefined);
        first.write(`GET /readyz HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
        await once(first, "data");
        const session = sessions.at(-1) ?? first.getSession();
        const resumed = connectTls({
          ...greeting,
          port,
          ...mine,
          ...(session === undefined ? {} : { session }),
        });
        callers.push(resumed);
        await once(resumed, "secureConnect");
        // Without certificates sessions are resumed, so the test would notice that it resumes none.
        expect(resumed.isSessionReused(), String(clientCa)).to.equal(clientCa === undefined);
      }
    });

  /** Begins a session, or goes on with one: whether it was resumed, and the session for the next time. */
  async function visit(session?: Buffer): Promise<{ isResumed: boolean; session: Buffer | undefined }> {
    const socket = connectTls({ ...trusted(), ...(session === undefined ? {} : { session }) });
    callers.push(socket);
    let given: Buffer | undefined;
    socket.on("session", (ticket: Buffer) => {
      given = ticket;
    });
    socket.on("error", () => undefined).write(`GET /readyz HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await once(socket, "data");
    return { isResumed: socket.isSessionReused(), session: given };
  }

  it("a session is resumed until the hour of its key has passed", async () => {
    await open();
    const { session } = await visit();
    expect((await visit(session)).isResumed).to.equal(true);
    clock.pass(TICKET_KEY_PERIOD_MS);
    const again = await visit(session);
    expect(again.isResumed, "an hour later").to.equal(false);
    expect((await visit(again.session)).isResumed, "with the next key").to.equal(true);
  });

  describe("whose files change", () => {
    /** Passes the time to the next look, and waits until it is over: then the watch waits again. */
    const look = async (holds: () => boolean | Promise<boolean>) => {
      clock.pass(TLS_LOOK_EVERY_MS);
      expect(await until(() => clock.waiting().length > 0, HANG_MS, 1)).to.equal(true);
      return holds();
    };
    const replace = (files: TlsFiles, { certFile, keyFile }: { certFile: string; keyFile: string }) => {
      copyFileSync(certFile, files.cert);
      copyFileSync(keyFile, files.key);
    };

    it("gives later connections the new certificate, and keeps those that are open", async () => {
      const files = await open();
      const { socket } = await greet();
      const before = await serialOf();
      replace(files, signCertificate(dir.path, "next"));
      const renewed = async () => look(async () => (await serialOf()) !== before);
      expect(await until(renewed, HANG_MS, 20)).to.equal(true);
      expect(lines.join("\n")).to.include("the certificate was replaced");
      socket.write("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
      const [answer] = await once(socket, "data");
      expect(String(answer), "on the connection of before").to.match(/^HTTP\/1\.1 200 /);
    });

    it("resumes sessions with the same keys as before, as other workers do", async () => {
      const files = await open();
      await visit();
      const keys = front.server.getTicketKeys();
      replace(files, signCertificate(dir.path, "resumed"));
      const renewed = () => look(() => lines.some((line) => line.includes("the certificate was replaced")));
      expect(await until(renewed, HANG_MS, 20)).to.equal(true);
      await visit();
      expect(front.server.getTicketKeys()).to.deep.equal(keys);
    });

    it("keeps the old one where the new files are wrong, says so once, and takes right ones later", async () => {
      const files = await open();
      const before = await serialOf();
      const next = signCertificate(dir.path, "later");
      copyFileSync(next.certFile, files.cert);
      const said = () => lines.filter((line) => line.includes("the old ones stay"));
      expect(await until(() => look(() => said().length > 0), HANG_MS, 20)).to.equal(true);
      for (let i = 0; i < 3; i++) await look(() => true);
      expect(said()).to.have.length(1);
      expect(said()[0]).to.include("TLS_KEY_FILE").and.not.include(dir.path);
      expect(await serialOf()).to.equal(before);
      replace(files, next);
      expect(await until(() => look(async () => (await serialOf()) !== before), HANG_MS, 20)).to.equal(true);
    });
  });
});

describe("files of TLS that are wrong", () => {
  const dir = temporaryDir();
  let made: Certificates;
  before(() => {
    made = makeCertificates(dir.path);
    writeFileSync(join(dir.path, "garbage"), "Secr3t");
  });
  after(() => dir.remove());

  const rows: readonly [
    what: string,
    more: (file: (name: string) => string) => Partial<TlsFiles>,
    said: RegExp,
  ][] = [
    [
      "no such certificate",
      (file) => ({ cert: file("none") }),
      /^TLS_CERT_FILE: .* cannot be read \(ENOENT\)$/,
    ],
    ["a folder", (file) => ({ key: file("") }), /^TLS_KEY_FILE: .* is a folder, not a regular file$/],
    [
      "no certificate",
      (file) => ({ cert: file("garbage") }),
      /^TLS_CERT_FILE: the file has no certificate in PEM$/,
    ],
    [
      "the key as certificate",
      (file) => ({ cert: file("server.key") }),
      /^TLS_CERT_FILE: the file has no certificate/,
    ],
    ["no key", (file) => ({ key: file("garbage") }), /^TLS_KEY_FILE: the file has no private key/],
    ["another key", (file) => ({ key: file("ca.key") }), /^TLS_KEY_FILE: is not the key of the certificate/],
    [
      "no authority",
      (file) => ({ clientCa: file("garbage") }),
      /^OPERATORS_CLIENT_CA_FILE: the file has no cert/,
    ],
  ];
  for (const [what, more, said] of rows) {
    it(`${what}: the setting is named, and nothing of the file`, async () => {
      const { certFile, keyFile } = made;
      const files = {
        cert: certFile,
        key: keyFile,
        clientCa: undefined,
        ...more((name) => join(dir.path, name)),
      };
      const trouble = await openTlsFiles(files).catch((error: unknown) => error);
      expect(trouble).to.be.instanceOf(UserError);
      expect((trouble as UserError).exitCode).to.equal(2);
      expect((trouble as UserError).message.replace("configuration: ", ""))
        .to.match(said)
        .and.not.match(/Secr3t|BEGIN/);
    });
  }
});
