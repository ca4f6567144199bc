import { request } from "node:http";
import { connect } from "node:http2";
import { expect } from "chai";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { ServicePart } from "../../runtime/listeners.ts";
import { openStubApp, type StubApp } from "../support/stub-app.ts";

const OPERATORS = `/${CampaignService.typeName}/ListCampaigns`;
const PUBLIC = ["IssueCoupon", "GetCampaignStatus", "FindCoupon"].map(
  (name) => `/coupon.v1.CouponService/${name}`,
);
const PAGES = ["/healthz", "/livez", "/readyz", "/metrics"];
const UNKNOWN = "/coupon.v1.NoService/NoMethod";

/** One that the fast path answers, where it is. */
const BODY = JSON.stringify({ campaignId: "c", userId: "u" });

type Ask = (app: StubApp, path: string) => Promise<string>;

const byHttp1 =
  (method: string, type?: string): Ask =>
  ({ port }, path) =>
    new Promise((resolve, reject) => {
      const headers = type === undefined ? {} : { "content-type": type, authorization: "Bearer wrong" };
      const sent = request({ port, path, method, headers, agent: false }, async (response) => {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        resolve(answer(path, response.statusCode, response.headers, Buffer.concat(parts).toString()));
      });
      sent.on("error", reject).end(method === "GET" ? undefined : BODY);
    });

const byGrpc: Ask = ({ grpcPort }, path) =>
  new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${grpcPort}`);
    const type = { "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ":method": "POST", ":path": path, ...type });
    let head: object = {};
    let text = "";
    stream.on("response", (headers) => {
      head = headers;
    });
    stream.on("data", (part: Buffer) => {
      text += part.toString();
    });
    stream.on("close", () => {
      session.close();
      resolve(answer(path, undefined, head, text));
    });
    stream.end(Buffer.alloc(5));
  });

/** All of an answer but the time, and the length, which follows that of the path. */
function answer(path: string, status: number | undefined, headers: object, body: string): string {
  // The id of a call is another one each time.
  const ofOneCall = ["date", "content-length", "x-request-id"];
  const fields = Object.entries(headers).filter(([name]) => !ofOneCall.includes(name));
  return JSON.stringify([status, fields, body.replaceAll(path, "PATH")]);
}

const ASKS: Readonly<Record<string, Ask>> = {
  "Connect, JSON": byHttp1("POST", "application/json"),
  "Connect, binary": byHttp1("POST", "application/proto"),
  "Connect, a stream": byHttp1("POST", "application/connect+proto"),
  "gRPC-Web": byHttp1("POST", "application/grpc-web+proto"),
  GET: byHttp1("GET"),
  gRPC: byGrpc,
};

describe("a port that serves a part of the service", () => {
  let app: StubApp;
  const open = async (parts: readonly ServicePart[]) => {
    const refusal = { kind: "missing", why: "a credential is needed" } as const;
    app = await openStubApp({ parts, authenticateOperator: () => refusal });
  };
  afterEach(() => app.close());

  const rows: readonly [
    what: string,
    parts: readonly ServicePart[],
    absent: readonly string[],
    served: string,
  ][] = [
    ["the public port", ["public"], [OPERATORS, ...PAGES], PUBLIC[0] ?? ""],
    ["the operators' port", ["operators"], [...PUBLIC, ...PAGES], OPERATORS],
    ["both, and no pages", ["public", "operators"], PAGES, OPERATORS],
  ];
  for (const [what, parts, absent, served] of rows) {
    for (const [how, ask] of Object.entries(ASKS)) {
      it(`${what} answers what it does not serve exactly as an unknown path: ${how}`, async () => {
        await open(parts);
        const unknown = await ask(app, UNKNOWN);
        expect(unknown).to.include("404");
        for (const path of absent) expect(await ask(app, path), path).to.equal(unknown);
        if (how !== "GET") expect(await ask(app, served), served).to.not.equal(unknown);
      });
    }
  }
});
