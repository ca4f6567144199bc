import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { describeFailure } from "../../cli/failure.ts";
import { isBrokenStream, isTransient } from "../../cli/retry.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { makeCertificates } from "../support/certificates.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, coupon, startMs, startStandIn } from "../support/stand-in.ts";

const here = "http://127.0.0.1:8080";
const away = "https://coupons.example.com";
const context = { zone: "UTC", interrupted: false };

/** The error that Connect makes of a connection error of Node.js. */
function failing(code: string): ConnectError {
  const cause = Object.assign(new Error(code), { code });
  return new ConnectError(code, Code.Unavailable, undefined, undefined, cause);
}

describe("cli: the service cannot be reached", () => {
  // Node's error code, whether a retry may help, the URL, the message and the hint.
  const situations: [code: string, passes: boolean, url: string, message: RegExp, hint: RegExp][] = [
    [
      "ECONNREFUSED",
      true,
      here,
      /^no service at http:\/\/127/,
      /^start one \(npm start in a clone of it\) or give --url$/,
    ],
    ["ECONNREFUSED", true, "http://localhost:1", /^no service at /, /npm start/],
    ["ECONNREFUSED", true, "http://[::1]:1", /^no service at /, /npm start/],
    [
      "ECONNREFUSED",
      true,
      away,
      /^no service at https:/,
      /^see that it runs there and that --url has its port/,
    ],
    ["ENOTFOUND", true, away, /has no address/, /coupons\.example\.com is spelled right in --url/],
    ["EAI_AGAIN", true, away, /name service did not answer/, /name service of this machine/],
    ["EHOSTUNREACH", true, away, /no way to/, /network of this machine/],
    ["ENETUNREACH", true, away, /no way to/, /network of this machine/],
    ["ETIMEDOUT", true, away, /does not answer/, /firewall/],
    ["ECONNRESET", true, away, /broke/, /try again/],
    ["EPIPE", true, away, /broke/, /try again/],
    ["SELF_SIGNED_CERT_IN_CHAIN", false, away, /not from an authority/, /NODE_EXTRA_CA_CERTS/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", false, away, /not from an authority/, /NODE_EXTRA_CA_CERTS/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", false, away, /not from an authority/, /NODE_EXTRA_CA_CERTS/],
    ["CERT_HAS_EXPIRED", false, away, /has expired/, /renew it there, or set the clock/],
    ["CERT_NOT_YET_VALID", false, away, /not valid yet/, /clock of this machine/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", false, away, /for other names/, /name that it was issued for/],
    [
      "ERR_SSL_WRONG_VERSION_NUMBER",
      false,
      away,
      /not answer in TLS/,
      /^is it http:\/\/coupons\.example\.com\?$/,
    ],
    ["EPROTO", false, away, /not answer in TLS/, /^is it http:/],
    [
      "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
      false,
      away,
      /TLS with .* failed \(ERR_SSL/,
      /ends TLS there/,
    ],
    ["HPE_INVALID_CONSTANT", false, here, /is not this service/, /check --url/],
  ];
  for (const [code, passes, url, message, hint] of situations) {
    it(`${code} at ${url}: ${passes ? "is tried again" : "is said at once"}, with advice that fits`, () => {
      const error = failing(code);
      expect([isTransient(error), isBrokenStream(error)]).to.deep.equal([passes, passes]);
      const failure = describeFailure(error, { ...context, url });
      expect(failure.exitCode).to.equal(5);
      expect(failure.message).to.match(message);
      expect(failure.hint).to.match(hint);
      if (url === away) expect(failure.hint).to.not.include("npm start");
    });
  }

  // The answer of another program at the URL: status, headers; the exit code and the message of the command.
  const answers: [status: number, headers: Record<string, string>, exitCode: number, said: RegExp][] = [
    [
      200,
      { "content-type": "text/html" },
      5,
      /is not this service \(it sends text\/html\); check --url; a proxy/,
    ],
    [
      301,
      { location: "https://coupons.example.com/coupon.v1" },
      2,
      /give --url https:\/\/coupons\.example\.com/,
    ],
    [302, {}, 2, /leads elsewhere \(HTTP 302\); give the address that it leads to/],
    [400, {}, 2, /does not understand the request; is it an https URL\?/],
    [
      401,
      { "content-type": "text/html" },
      6,
      /a proxy before .* refused: HTTP 401 .*the operator token is not/,
    ],
    [403, { "content-type": "text/html" }, 6, /a proxy before .* refused: HTTP 403/],
    [407, {}, 6, /a proxy wants its own sign-in/],
    [413, {}, 5, /refuses a request of this size/],
    [429, {}, 5, /throttles: HTTP 429/],
    [500, { "content-type": "text/html" }, 5, /HTTP 500 from what answers at/],
    [502, { "content-type": "text/html" }, 5, /reaches no server: HTTP 502 .*see that servers run behind it/],
    [503, {}, 5, /reaches no server: HTTP 503/],
    [504, {}, 5, /reaches no server: HTTP 504/],
  ];
  it("what a proxy or a website answers is told apart from what the service says", async () => {
    let answer = answers[0];
    const proxy = createServer((_request, response) => {
      const [status = 0, headers = {}] = answer ?? [];
      response.writeHead(status, headers).end("<html>");
    });
    const url = await listening(proxy, "http");
    try {
      for (answer of answers) {
        const [status, , exitCode, said] = answer;
        const { code, stderr } = await runHere(["list", "--retries", "0", "--url", url]);
        expect(stderr, String(status))
          .to.match(said)
          .and.match(/^coupon: [^\n]+\n$/);
        expect(code, String(status)).to.equal(exitCode);
      }
    } finally {
      proxy.close();
    }
  });

  it("http and https taken for each other, and a certificate nobody knows: says which, at once", async () => {
    const dir = await mkdtemp(join(tmpdir(), "coupon-tls-"));
    const { keyFile, certFile } = makeCertificates(dir);
    const tls = createTlsServer(
      { key: readFileSync(keyFile), cert: readFileSync(certFile) },
      (_request, response) => response.end(),
    );
    const plain = createServer((_request, response) => response.end());
    const secure = await listening(tls, "https");
    const open = await listening(plain, "http");
    try {
      const untrusted = await runHere(["list", "--url", secure]);
      expect(untrusted.stderr).to.match(/^coupon: the certificate of .* NODE_EXTRA_CA_CERTS\n$/);
      const asPlain = await runHere(["list", "--url", secure.replace("https:", "http:")]);
      expect(asPlain.stderr).to.match(/answers in TLS only; give --url https:\/\/127\.0\.0\.1:\d+\n$/);
      const asTls = await runHere(["list", "--url", open.replace("http:", "https:")]);
      expect(asTls.stderr).to.match(/does not answer in TLS; is it http:\/\/127\.0\.0\.1:\d+\?\n$/);
      expect([untrusted.code, asPlain.code, asTls.code]).to.deep.equal([5, 2, 5]);
    } finally {
      for (const server of [tls, plain]) server.close();
      await rm(dir, { recursive: true });
    }
  });

  for (const verb of ["issue", "watch"]) {
    it(`${verb} lives through a restart: a connection that is refused is tried again`, async () => {
      const answering = {
        coupons: { issueCoupon: () => ({ coupon: coupon(1) }) },
        campaigns: {
          async *watchCampaign() {
            yield {
              campaign: campaign({ state: CampaignState.ENDED }),
              serverTime: timestampFromMs(startMs),
            };
          },
        },
      };
      const first = await startStandIn(answering);
      await first.close();
      const args = [verb, campaignId, "--retries", "20", ...(verb === "issue" ? ["--user", "u"] : [])];
      const running = await startCli(args, { url: first.url });
      await running.until(/no service at the URL, .* \(1 of 20\)/);
      const second = await startStandIn(answering, Number(new URL(first.url).port));
      try {
        const { code, stderr } = await running.finished;
        expect(code, stderr).to.equal(0);
      } finally {
        await second.close();
      }
    });
  }

  it("refused to the end: nothing can have happened, and none is said to", async () => {
    const gone = await startStandIn({});
    await gone.close();
    const args = ["pause", campaignId, "--retries", "1"];
    const { code, stderr } = await runCli(args, { url: gone.url });
    expect(code).to.equal(5);
    expect(stderr.split("\n")[1]).to.match(
      /^coupon: no service at .*; start one \(npm start in a clone of it\) or give --url/,
    );
  });
});

async function listening(server: Server, scheme: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
