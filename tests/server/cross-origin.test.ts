import { type IncomingHttpHeaders, request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import type { ServiceImpl } from "@connectrpc/connect";
import { cors } from "@connectrpc/connect";
import { expect } from "chai";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { AppDeps } from "../../server/app.ts";
import { createCouponService } from "../../server/rpc/coupon-service.ts";
import { ISSUE_PATH } from "../../server/rpc/issue-answer.ts";
import { STATUS_PATH } from "../../server/rpc/status-answer.ts";
import { talk } from "../support/bare-connection.ts";
import { CLAIM_TRANSPORTS, type ClaimTransport } from "../support/claim-transports.ts";
import { openStubApp, type StubApp, stubDeps } from "../support/stub-app.ts";

const SHOP = "https://shop.example";
const CONSOLE = "http://localhost:5173";
const NOT_LISTED = {
  "another origin": "https://evil.example",
  "the listed host over another scheme": "http://shop.example",
  "the listed host with a port": "https://shop.example:8443",
  "a name that ends as the listed one": "https://evil-shop.example",
  "a name that begins as the listed one": "https://shop.example.evil.example",
  "a page of no origin": "null",
  "an origin of operators": CONSOLE,
  "two origins": `${SHOP}, https://evil.example`,
} as const;

const FIELDS = { campaignId: "01J00000000000000000000000", userId: "u" };
const COUPON = {
  ...{ campaignId: FIELDS.campaignId, claimKey: "u", userId: "", code: "가나다라마바0001" },
  ...{ generation: 0, seq: 1, issuedAtMs: 1_800_000_000_000 },
};
const LIST_PATH = `/${CampaignService.typeName}/ListCampaigns`;
const READABLE = ["retry-after", "grpc-status", "grpc-message", "grpc-status-details-bin"];

/** What the handler of a claim does, and what it is called. */
const OUTCOMES: Readonly<Record<string, Refusal | "issued" | "a defect">> = {
  "a coupon": "issued",
  "sold out": { reason: "SOLD_OUT" },
  "401": { reason: "UNAUTHENTICATED", why: "no credential" },
  "403": { reason: "PERMISSION_DENIED", why: "another's credential" },
  "429": { reason: "RATE_LIMITED", by: "address", retryAfterMs: 1_000 },
  "503": { reason: "OVERLOADED", why: "a store does not answer" },
  "500": "a defect",
};

/** The fields of CORS in the text of an answer, whatever carried it. */
function told(text: string): { origin: string | undefined; exposed: string; vary: string | undefined } {
  const value = (name: string) => new RegExp(`"${name}":"([^"]*)"`).exec(text)?.[1];
  return {
    origin: value("access-control-allow-origin"),
    exposed: value("access-control-expose-headers") ?? "",
    vary: value("vary"),
  };
}

describe("calls of pages of other origins", () => {
  let outcome: (typeof OUTCOMES)[string];
  let app: StubApp;
  const opened: StubApp[] = [];

  async function open(more: Parameters<typeof openStubApp>[0] = {}): Promise<StubApp> {
    const handlers: AppDeps = {
      ...stubDeps(),
      issueCoupon: () => {
        if (outcome === "a defect") throw new Error("planted");
        if (outcome !== "issued") return { kind: "refused", refusal: outcome } as const;
        return { kind: "issued", coupon: COUPON, replayed: false } as const;
      },
    };
    const made = await openStubApp({
      ...handlers,
      couponService: createCouponService({ ...handlers, clock: systemClock }),
      campaignService: { listCampaigns: () => ({}) } as unknown as ServiceImpl<typeof CampaignService>,
      ...{ allowedOrigins: [SHOP, "https://second.example"], operatorOrigins: [CONSOLE] },
      ...more,
    });
    opened.push(made);
    return made;
  }

  before(async () => {
    app = await open();
  });
  beforeEach(() => {
    outcome = "issued";
  });
  after(() => Promise.all(opened.map((one) => one.close())));

  const claim = ({ claim: ask }: ClaimTransport, origin: string | undefined, to = app) =>
    ask(to, FIELDS, [], origin === undefined ? [] : ["origin", origin]);

  for (const transport of CLAIM_TRANSPORTS) {
    describe(transport.name, () => {
      for (const [name, what] of Object.entries(OUTCOMES)) {
        it(`${name}: a page of a listed origin may read it, and no other page`, async () => {
          outcome = what;
          const read = await claim(transport, SHOP);
          expect(read.coupon !== undefined, read.text).to.equal(what === "issued");
          expect(told(read.text)).to.include({ origin: SHOP, vary: "Origin" });
          for (const one of READABLE) expect(told(read.text).exposed.split(", ")).to.include(one);
          expect(told((await claim(transport, "https://second.example")).text).origin).to.equal(
            "https://second.example",
          );
          for (const origin of [undefined, ...Object.values(NOT_LISTED)]) {
            const unread = await claim(transport, origin);
            expect([unread.coupon, unread.code], origin).to.deep.equal([read.coupon, read.code]);
            expect(told(unread.text), origin).to.deep.equal({ ...NOBODY, vary: "Origin" });
          }
        });
      }

      it("where no origin is listed, an answer has no field of CORS", async () => {
        const closed = await open({ allowedOrigins: undefined });
        for (const origin of [undefined, SHOP])
          expect(told((await claim(transport, origin, closed)).text)).to.deep.equal(NOBODY);
      });
    });
  }

  const NOBODY = { origin: undefined, exposed: "", vary: undefined };
  const preflight = (origin: string | undefined) => ({
    method: "OPTIONS",
    headers: {
      ...(origin === undefined ? {} : { origin }),
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,connect-protocol-version",
    },
  });
  const json = { "content-type": "application/json" };

  for (const [name, ask] of [
    ["HTTP/1.1", overHttp1],
    ["HTTP/2", overHttp2],
  ] as const) {
    it(`a preflight over ${name} is answered, cached, and only for listed origins`, async () => {
      const { status, headers, body } = await ask(app, ISSUE_PATH, preflight(SHOP));
      expect([status, body]).to.deep.equal([204, ""]);
      expect(headers).to.include({
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": "POST",
        "access-control-max-age": "7200",
        vary: "Origin",
      });
      expect(headers).not.to.have.any.keys("access-control-allow-credentials", "content-length");
      const allowed = headers["access-control-allow-headers"]?.split(", ");
      expect(allowed).to.include.members([
        "authorization",
        "x-challenge-token",
        ...cors.allowedHeaders.map((name) => name.toLowerCase()),
      ]);
      for (const origin of [undefined, ...Object.values(NOT_LISTED)]) {
        const refused = await ask(app, ISSUE_PATH, preflight(origin));
        expect(refused.status, origin).to.be.within(400, 499);
        expect(Object.keys(refused.headers).filter((key) => key.startsWith("access-control"))).to.be.empty;
      }
    });

    it(`over ${name}, operators' methods are for pages of listed origins of operators alone`, async () => {
      const { status, headers } = await ask(app, LIST_PATH, preflight(CONSOLE));
      expect([status, headers["access-control-allow-origin"]]).to.deep.equal([204, CONSOLE]);
      for (const origin of [SHOP, "https://evil.example", "null"]) {
        const refused = await ask(app, LIST_PATH, preflight(origin));
        expect(refused.status, origin).to.be.within(400, 499);
        expect(refused.headers["access-control-allow-origin"], origin).to.equal(undefined);
      }
    });
  }

  it("a server of the page's own origin needs no list", async () => {
    const closed = await open({ allowedOrigins: undefined, operatorOrigins: undefined });
    const origin = `http://127.0.0.1:${closed.port}`;
    const call = { method: "POST", headers: { ...json, origin }, body: "{}" };
    expect((await overHttp1(closed, LIST_PATH, call)).status).to.equal(200);
    const issue = { ...call, body: JSON.stringify(FIELDS) };
    expect((await overHttp1(closed, ISSUE_PATH, issue)).status).to.equal(200);
  });

  it("the server itself refuses an operator's call of a page that is not listed; a listed one may read the answer", async () => {
    for (const ask of [overHttp1, overHttp2]) {
      const call = (origin: string) => ({ method: "POST", headers: { ...json, origin }, body: "{}" });
      const listed = await ask(app, LIST_PATH, call(CONSOLE));
      expect([listed.status, listed.headers["access-control-allow-origin"]]).to.deep.equal([200, CONSOLE]);
      for (const origin of [SHOP, "null", "https://evil.example"]) {
        const refused = await ask(app, LIST_PATH, call(origin));
        expect([refused.status, refused.headers["access-control-allow-origin"]]).to.deep.equal([
          403,
          undefined,
        ]);
      }
    }
  });

  it("a listed page of operators is refused under a foreign Host, and may read that", async () => {
    const headers = { ...json, origin: CONSOLE, host: "evil.example" };
    const refused = await overHttp1(app, LIST_PATH, { method: "POST", headers, body: "{}" });
    expect([refused.status, refused.headers["access-control-allow-origin"]]).to.deep.equal([403, CONSOLE]);
  });

  it("a listed page may read what is refused before a method is run", async () => {
    const headers = { ...json, origin: SHOP };
    const post = { method: "POST", headers, body: JSON.stringify(FIELDS) };
    const refused: [number, Parameters<typeof overHttp1>[1], Asked][] = [
      [400, ISSUE_PATH, { ...post, body: '{"userId":7}' }],
      [400, ISSUE_PATH, { ...post, body: "{" }],
      [429, ISSUE_PATH, { ...post, body: " ".repeat(20_000) }],
      [415, ISSUE_PATH, { ...post, headers: { ...headers, "content-type": "text/plain" } }],
      [404, `/${CouponService.typeName}/Nothing`, post],
      [405, ISSUE_PATH, { method: "GET", headers }],
    ];
    for (const ask of [overHttp1, overHttp2])
      for (const [status, path, asked] of refused) {
        const answer = await ask(app, path, asked);
        expect([answer.status, answer.headers["access-control-allow-origin"]], path).to.deep.equal([
          status,
          SHOP,
        ]);
      }
    const hosts = "host: a\r\nhost: a\r\n";
    const [several] = await talk(app.port, [
      `POST ${ISSUE_PATH} HTTP/1.1\r\n${hosts}origin: ${SHOP}\r\ncontent-length: 0\r\n\r\n`,
    ]);
    expect(several?.status).to.include("400");
    expect(several?.headers["access-control-allow-origin"]).to.equal(SHOP);
  });

  it("a preflight of an unknown path is not answered, nor one of a page", async () => {
    for (const path of [
      `/${CouponService.typeName}/Nothing`,
      `${ISSUE_PATH}/`,
      "/healthz",
      "/metrics",
      "/",
    ]) {
      const { status, headers } = await overHttp1(app, path, preflight(SHOP));
      expect([status, headers["access-control-allow-methods"]], path).to.deep.equal([404, undefined]);
    }
  });

  it("OPTIONS without the fields of a preflight is none", async () => {
    const { status } = await overHttp1(app, ISSUE_PATH, { method: "OPTIONS", headers: { origin: SHOP } });
    expect(status).to.equal(405);
  });

  it("a call by GET has its message behind the path: its preflight is answered", async () => {
    const path = `${STATUS_PATH}?connect=v1&encoding=json&message=%7B%7D`;
    const { status, headers } = await overHttp1(app, path, preflight(SHOP));
    expect(status).to.equal(204);
    expect(headers["access-control-allow-methods"]).to.equal("POST, GET");
    for (const ask of [overHttp1, overHttp2])
      for (const origin of [SHOP, "https://evil.example", undefined]) {
        const answer = await ask(app, path, {
          method: "GET",
          headers: origin === undefined ? {} : { origin },
        });
        expect(answer.headers["access-control-allow-origin"]).to.equal(origin === SHOP ? SHOP : undefined);
        expect(answer.headers.vary).to.equal("Origin");
      }
  });

  it("only the methods of services that are served here are open to pages", async () => {
    const callers = await open({ parts: ["public"] });
    expect((await overHttp1(callers, LIST_PATH, preflight(CONSOLE))).status).to.equal(404);
    const operators = await open({ parts: ["operators"] });
    expect((await overHttp1(operators, ISSUE_PATH, preflight(SHOP))).status).to.equal(404);
    expect((await overHttp1(operators, LIST_PATH, preflight(CONSOLE))).status).to.equal(204);
  });

  it("a listed page may read that too many requests wait", async () => {
    let areHeld = true;
    const connecting = { awaiting: () => () => areHeld, watch: () => undefined };
    const full = await open({ connecting });
    // More than may wait, and none is answered in its turn meanwhile.
    const sessions = Array.from({ length: 11 }, () => connect(`http://127.0.0.1:${full.grpcPort}`));
    const put = { method: "PUT", headers: { origin: SHOP } };
    const answers = sessions.flatMap((session) =>
      Array.from({ length: 100 }, () => overSession(session, STATUS_PATH, put)),
    );
    const told = await Promise.race(answers);
    areHeld = false;
    await Promise.all(answers);
    for (const session of sessions) session.destroy();
    expect(told.status).to.equal(503);
    expect(told.headers).to.include({ "access-control-allow-origin": SHOP, "retry-after": "1" });
  });

  it("while the server drains, answers and preflights are told and end the connection", async () => {
    const draining = AbortSignal.abort();
    const ends = await open({ draining });
    const call = { method: "POST", headers: { ...json, origin: SHOP }, body: JSON.stringify(FIELDS) };
    for (const asked of [call, { ...call, body: '{"userId":7}' }, preflight(SHOP)]) {
      const { headers } = await overHttp1(ends, ISSUE_PATH, asked);
      expect(headers).to.include({ "access-control-allow-origin": SHOP, connection: "close" });
    }
  });
});

type Asked = { readonly method: string; readonly headers: Record<string, string>; readonly body?: string };
type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

function overHttp1({ port }: StubApp, path: string, { method, headers, body = "" }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Kept: a draining server says that it ends it.
    const kept = { connection: "keep-alive", "content-length": String(body.length) };
    const sent = request({
      host: "127.0.0.1",
      port,
      path,
      method,
      agent: false,
      headers: { ...kept, ...headers },
    });
    sent.on("response", async (response) => {
      const status = response.statusCode ?? 0;
      resolve({ status, headers: response.headers, body: await textOf(response) });
      response.socket.destroy();
    });
    sent.on("error", reject).end(body);
  });
}

async function overHttp2({ grpcPort }: StubApp, path: string, asked: Asked): Promise<Answer> {
  const session = connect(`http://127.0.0.1:${grpcPort}`);
  try {
    return await overSession(session, path, asked);
  } finally {
    session.destroy();
  }
}

async function overSession(
  session: ClientHttp2Session,
  path: string,
  { method, headers, body }: Asked,
): Promise<Answer> {
  const stream = session.request(
    { ":method": method, ":path": path, ...headers },
    { endStream: body === undefined },
  );
  const head = new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.on("response", resolve).on("error", reject);
  });
  if (body !== undefined) stream.end(body);
  const answered = await head;
  return { status: Number(answered[":status"]), headers: answered, body: await textOf(stream) };
}
