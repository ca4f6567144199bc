import { connect } from "node:net";
import { expect } from "chai";
import { systemClock } from "../../../runtime/clock.ts";
import { createLifecycle } from "../../../runtime/lifecycle.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { serveHealth } from "../../../server/http/health.ts";
import { ISSUE_PATH } from "../../../server/rpc/issue-answer.ts";
import { STATUS_PATH } from "../../../server/rpc/status-answer.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import { readinessUntil } from "../../support/readiness.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";

const SHOWN = { campaignId: "01ARZ3NDEKTSV4RRFFQ69G5FAV" };

describe("the Host field", () => {
  const stores = withStores();
  let app: OpenApp;
  let health: { port: number; end: () => Promise<unknown> };

  before(async () => {
    app = await openApp(stores, {
      clock: systemClock,
      issueCoupon: async () => ({ kind: "refused", refusal: { reason: "SOLD_OUT" } }),
    });
    const lifecycle = createLifecycle(silentLogger, 5_000);
    const connections = { perSourceMax: 10, isProxy: () => false };
    const { url } = await serveHealth({
      at: { host: "127.0.0.1", hostSetting: "HOST", port: 0, setting: "HEALTH_PORT" },
      connections,
      ...{ logger: silentLogger, metrics: createMetrics(), lifecycle, readiness: readinessUntil(lifecycle) },
    });
    health = { port: Number(new URL(url).port), end: () => lifecycle.release() };
  });
  after(async () => {
    await app.close();
    await health.end();
  });

  /**
   * All bytes that come back for the request and for a second one behind it: until both are answered or the
   * server ends the connection. This side does not: to Node, a caller that has ended its side has left.
   */
  async function answers(port: number, line: string, fields: readonly string[], body = ""): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    const head = [`${line} HTTP/1.1`, ...fields, `content-length: ${Buffer.byteLength(body)}`, "", ""].join(
      "\r\n",
    );
    socket.write(head + body + head + body);
    let text = "";
    for await (const part of socket) {
      text += String(part);
      if (wholeAnswersIn(text) === 2) break;
    }
    return text;
  }

  /** Answers of which the whole body is there: each tells its length. */
  function wholeAnswersIn(text: string): number {
    let count = 0;
    for (let rest = text; ; count += 1) {
      const end = rest.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(rest.slice(0, end))?.[1];
      if (end < 0 || length === undefined) return count;
      const next = Buffer.from(rest.slice(end + 4))
        .subarray(Number(length))
        .toString();
      if (Buffer.byteLength(rest.slice(end + 4)) < Number(length)) return count;
      rest = next;
    }
  }

  const json = ["content-type: application/json"];
  const user = JSON.stringify({ ...SHOWN, userId: "u" });
  const ways: Record<string, [string, string[], string?]> = {
    "IssueCoupon on the fast path": [`POST ${ISSUE_PATH}`, json, user],
    "IssueCoupon past it": [`POST ${ISSUE_PATH}?`, json, user],
    "GetCampaignStatus on the fast path": [`POST ${STATUS_PATH}`, json, JSON.stringify(SHOWN)],
    "a page": ["GET /healthz", []],
    "a whole URL": ["GET http://a.example/healthz", []],
    "a path that there is not": ["GET /nothing", []],
  };
  const twice = [
    ["host: a", "host: b"],
    ["Host: a", "HOST: a"],
    ["host: a", "x-a: b", "host:"],
  ];
  for (const [what, [line, fields, body]] of Object.entries(ways))
    it(`twice is 400 and ends the connection, once is not: ${what}`, async () => {
      for (const hosts of twice) {
        const told = await answers(app.port, line, [...hosts, ...fields], body);
        expect(told.match(/HTTP\/1\.1 \d+/g), hosts.join()).to.deep.equal(["HTTP/1.1 400"]);
        expect(told)
          .to.match(/connection: close/i)
          .and.to.include('"code":"invalid_argument"')
          .and.include("Host");
      }
      const once = await answers(app.port, line, ["host: a", ...fields], body);
      expect(once.match(/HTTP\/1\.1 \d+/g)).to.have.length(2);
      // A refusal of the campaign may be 400, too.
      expect(once).not.to.include('"code":"invalid_argument"');
    });

  it("the health pages of a process without the server role have the same rule", async () => {
    expect(await answers(health.port, "GET /healthz", ["host: a", "host: b"])).to.match(/^HTTP\/1\.1 400 /);
    expect(await answers(health.port, "GET /healthz", ["host: a"])).to.match(/^HTTP\/1\.1 200 /);
  });
});
