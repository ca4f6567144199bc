import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { loginPath } from "../../cli/login/login-file.ts";
import { createProviderFetch } from "../../cli/login/provider-fetch.ts";
import { HANG_MS } from "../support/patience.ts";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import { runHere } from "../support/run-here.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokenOf = (sub: string) => `${part({ alg: "ES256" })}.${part({ sub })}.c2lnbmF0dXJl`;
const MEBIBYTE = Buffer.alloc(1024 * 1024, " ");
/** Far more than the command reads of an answer, and with what is in the buffers on the way. */
const SENT_MAX = 32 * MEBIBYTE.length;

/** What the provider says in place of a good answer: fields of one, or whatever the function does. */
type Said = object | ((response: ServerResponse, request: IncomingMessage) => void);
type Pages = { readonly discovery?: Said; readonly device?: Said; readonly token?: Said };

describe("cli: login at a hostile provider", function () {
  // A bound against hanging.
  this.timeout(HANG_MS);
  const calls = withRecordedCalls();
  let home: ReturnType<typeof temporaryDir>;
  let server: Server;
  let issuer: string;
  let pages: Pages;
  let requests: string[];
  let sentBytes: number;

  beforeEach(async () => {
    home = temporaryDir();
    [pages, requests, sentBytes] = [{}, [], 0];
    server = createServer(answer);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    home.remove();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    requests.push(path);
    request.resume();
    const usual: Readonly<Record<string, readonly [said: Said | undefined, fields: object]>> = {
      "/.well-known/openid-configuration": [
        pages.discovery,
        {
          issuer,
          token_endpoint: `${issuer}/token`,
          device_authorization_endpoint: `${issuer}/device`,
        },
      ],
      "/device": [
        pages.device,
        {
          ...{ device_code: "d", user_code: "ABCD-EFGH", verification_uri: `${issuer}/enter` },
          ...{ interval: 0.001, expires_in: 600 },
        },
      ],
      "/token": [pages.token, { access_token: tokenOf("kim"), token_type: "Bearer", expires_in: 60 }],
    };
    const [said, fields] = usual[path] ?? [undefined, {}];
    if (typeof said === "function") said(response, request);
    else response.setHeader("content-type", "application/json").end(JSON.stringify({ ...fields, ...said }));
  }

  const env = () => ({ XDG_CONFIG_HOME: home.path, COUPON_TOKEN: "" });
  async function login() {
    const finished = await runHere(["login", "--issuer", issuer, "--client-id", "x"], {
      ...{ url: calls.url, env: env() },
    });
    return { ...finished, isKept: existsSync(loginPath(env(), calls.url)) };
  }

  /** Sends for ever what would be a good answer, were it to end. */
  const endless =
    (status = 200): Said =>
    (response) => {
      response.writeHead(status, { "content-type": "application/json" }).write("{");
      const more = () => {
        while (!response.destroyed && sentBytes < 4 * SENT_MAX) {
          sentBytes += MEBIBYTE.length;
          if (!response.write(MEBIBYTE)) return;
        }
        response.end("}");
      };
      response.on("drain", more);
      more();
    };
  const redirected =
    (to: () => string): Said =>
    (response) =>
      void response.writeHead(307, { location: to() }).end();

  it("one that is honest, for comparison", async () => {
    const { code, stdout, stderr, isKept } = await login();
    expect([code, isKept], stderr).to.deep.equal([0, true]);
    expect(stdout).to.match(/as +kim of/);
  });

  type Row = readonly [what: string, pages: () => Pages, code: number, said: RegExp, reached?: string];
  const rows: readonly Row[] = [
    ...["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "not a URL"].map(
      (place): Row => [
        `a place to enter the code that is no page: ${place}`,
        () => ({ device: { verification_uri: place } }),
        2,
        /named no web page/,
      ],
    ),
    [
      "a whole place that is no page",
      () => ({ device: { verification_uri_complete: "javascript:alert(1)" } }),
      2,
      /named no web page/,
    ],
    [
      "a code of a mebibyte",
      () => ({ device: { user_code: MEBIBYTE.toString() } }),
      2,
      /more than 262144 bytes/,
    ],
    [
      "a code that fills the screen",
      () => ({ device: { user_code: "ABCD-EFGH".repeat(100) } }),
      2,
      /a code or a page .* too long/,
    ],
    [
      "a page whose address fills the screen",
      () => ({ device: { verification_uri: `${issuer}/${"x".repeat(5_000)}` } }),
      2,
      /a code or a page .* too long/,
    ],
    [
      "another issuer in its document",
      () => ({ discovery: { issuer: "https://other.test" } }),
      2,
      /does not answer as an OpenID Connect provider/,
    ],
    [
      "a token endpoint elsewhere without TLS",
      () => ({ discovery: { token_endpoint: "http://203.0.113.1/token" } }),
      2,
      /token_endpoint.* must be an https:\/\/ URL/,
      "/.well-known/openid-configuration",
    ],
    [
      "a device endpoint elsewhere without TLS",
      () => ({ discovery: { device_authorization_endpoint: "http://203.0.113.1/device" } }),
      2,
      /device_authorization_endpoint.* must be an https:\/\/ URL/,
      "/.well-known/openid-configuration",
    ],
    [
      "a revocation endpoint elsewhere without TLS",
      () => ({ discovery: { revocation_endpoint: "http://203.0.113.1/revoke" } }),
      2,
      /revocation_endpoint.* must be an https:\/\/ URL/,
      "/.well-known/openid-configuration",
    ],
    ["a document without an end", () => ({ discovery: endless() }), 2, /more than 262144 bytes/],
    ["codes without an end", () => ({ device: endless() }), 2, /more than 262144 bytes/],
    ["tokens without an end", () => ({ token: endless() }), 2, /more than 262144 bytes/],
    ["a refusal without an end", () => ({ token: endless(400) }), 2, /more than 262144 bytes/],
    [
      "a document that is elsewhere",
      () => ({ discovery: redirected(() => `${issuer}/elsewhere`) }),
      2,
      /does not answer as an OpenID Connect provider/,
      "/.well-known/openid-configuration",
    ],
    [
      "codes that are elsewhere",
      () => ({ device: redirected(() => `${issuer}/elsewhere`) }),
      2,
      /does not answer as an OpenID Connect provider/,
      "/device",
    ],
    [
      "tokens that are elsewhere",
      () => ({ token: redirected(() => `${issuer}/elsewhere`) }),
      2,
      /does not answer as an OpenID Connect provider/,
      "/token",
    ],
    ...[-1, "soon", null].map(
      (expires_in): Row => [
        `a code that is good for ${expires_in} seconds`,
        () => ({ device: { expires_in } }),
        2,
        /does not answer as an OpenID Connect provider/,
        "/device",
      ],
    ),
    ...[-1, "soon", null].map(
      (interval): Row => [
        `a poll each ${interval} seconds`,
        () => ({ device: { interval } }),
        2,
        /does not answer as an OpenID Connect provider/,
        "/device",
      ],
    ),
    ["a code that is good for no time", () => ({ device: { expires_in: 0 } }), 6, /in time/],
    [
      "a poll each thousand million seconds",
      () => ({ device: { interval: 1e9, expires_in: 0.2 } }),
      6,
      /in time/,
    ],
    [
      "a poll that is always too early",
      () => ({
        device: { expires_in: 0.5 },
        token: (response) =>
          void response.writeHead(400, { "content-type": "application/json" }).end('{"error":"slow_down"}'),
      }),
      6,
      /in time/,
    ],
    [
      "a token with a line end",
      () => ({ token: { access_token: `${tokenOf("kim")}\r\nx-evil: 1` } }),
      2,
      /an access token that is no JWT/,
    ],
    [
      "a token with a control character",
      () => ({ token: { access_token: `${tokenOf("kim")}\u001b[2J` } }),
      2,
      /an access token that is no JWT/,
    ],
    [
      "a token that no header can carry",
      () => ({ token: { access_token: tokenOf("x".repeat(100_000)) } }),
      2,
      /an access token that is too long/,
    ],
  ];
  for (const [what, said, exitCode, message, last] of rows) {
    it(`${what}: no login, one line that says why`, async () => {
      pages = said();
      const { code, stdout, stderr, isKept } = await login();
      const lines = stderr.trimEnd().split("\n");
      expect(lines.at(-1)?.slice(0, 1_000)).to.match(message);
      expect([code, isKept, stdout]).to.deep.equal([exitCode, false, ""]);
      expect(stderr.length, "what fills the screen").to.be.below(4_000);
      expect(stderr).to.not.match(/[^\n\x20-\x7e…]/);
      expect(sentBytes, "what was read of the answer").to.be.below(SENT_MAX);
      if (last !== undefined) expect(requests.at(-1)).to.equal(last);
      expect(requests, "a place to which it was led").to.not.include("/elsewhere");
    });
  }

  it("what it says is shown without the characters that a terminal would execute", async () => {
    const evil = "\u001b]0;x\u0007\u001b[2J\u202e\r\n";
    pages = {
      device: { user_code: `A${evil}B`, verification_uri: `${issuer}/enter${evil}` },
      token: { access_token: tokenOf(`kim${evil}`) },
    };
    const { code, stdout, stderr } = await login();
    expect(code, stderr).to.equal(0);
    expect(stderr)
      .to.include("A\\u001b]0;x\\u0007")
      .and.not.match(/[^\n\x20-\x7e]/);
    expect(stdout)
      .to.match(/as +kim\\u001b/)
      .and.not.match(/[^\n\x20-\x7e]/);
  });

  it("an answer that begins and never ends is given up", async () => {
    pages = {
      discovery: (response) =>
        void response.writeHead(200, { "content-type": "application/json" }).write("{"),
    };
    const asked = { body: undefined, headers: {}, method: "GET", redirect: "manual" } as const;
    const reading = createProviderFetch(200)(`${issuer}/.well-known/openid-configuration`, asked);
    expect(await reading.catch((error: Error) => error.name)).to.equal("TimeoutError");
  });
});
