import { once } from "node:events";
import { request as requestHttp1 } from "node:http";
import { connect, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { text } from "node:stream/consumers";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { GetCampaignStatusResponseSchema } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import type { CampaignStatus, GetCampaignStatus } from "../../../server/rpc/campaign-status.ts";
import { createCouponService } from "../../../server/rpc/coupon-service.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const NOW_MS = 1_900_000_000_000;
const ID = "01K7ZQ0Z5T6N8W3M4X5Y6Z7A8B";
const NEAR = "01K7ZQ0Z5T6N8W3M4X5Y6Z7NEA";
const NONE = "01K7ZQ0Z5T6N8W3M4X5Y6Z7N0N";
const STATUS = "/coupon.v1.CouponService/GetCampaignStatus";
const PAGE = "https://shop.example";
const statusOf = (campaignId: string): string =>
  `${STATUS}?connect=v1&encoding=json&message=${encodeURIComponent(JSON.stringify({ campaignId }))}`;

type Answer = { readonly status: number | undefined; readonly fields: object; readonly body: string };
type Ask = (method: string, path: string, fields?: Record<string, string>) => Promise<Answer>;

/** Those of the connection, or of the instant. */
const OWN = ["date", "x-request-id", "connection", "keep-alive", "transfer-encoding", ":status"];
const shared = (headers: IncomingHttpHeaders): object =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.includes(name)));

const http1 =
  ({ port }: StubApp): Ask =>
  async (method, path, headers = {}) => {
    const sent = requestHttp1({ host: "127.0.0.1", port, method, path, headers, agent: false }).end();
    const [response] = await once(sent, "response");
    const body = await text(response);
    return { status: response.statusCode, fields: shared(response.headers), body };
  };

const http2 =
  ({ grpcPort }: StubApp): Ask =>
  async (method, path, headers = {}) => {
    const session = connect(`http://127.0.0.1:${grpcPort}`);
    try {
      const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH } = constants;
      const stream = session.request({
        ...{ [HTTP2_HEADER_METHOD]: method, [HTTP2_HEADER_PATH]: path, ...headers },
      });
      const [head] = (await once(stream, "response")) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
      return { status: head[":status"], fields: shared(head), body: await text(stream) };
    } finally {
      session.destroy();
    }
  };

describe("GetCampaignStatus by GET and HEAD, and the probes, over HTTP/2", () => {
  const stopping = new AbortController();
  const startsIn = new Map([
    [ID, 3_600_000],
    [NEAR, 4_000],
  ]);
  const metrics = createMetrics();
  let app: StubApp;
  let asked = 0;

  before(async () => {
    const clock = fakeClock({ startMs: NOW_MS });
    const campaignStatus: GetCampaignStatus = (campaignId): CampaignStatus => {
      asked += 1;
      const leftMs = startsIn.get(campaignId);
      if (leftMs === undefined) return { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
      const status = create(GetCampaignStatusResponseSchema, {
        ...{ state: CampaignState.SCHEDULED, serverTime: timestampFromMs(NOW_MS) },
        ...{ startsAt: timestampFromMs(NOW_MS + leftMs), millisToStart: BigInt(leftMs) },
      });
      return { kind: "status", status };
    };
    app = await openStubApp({
      ...{ clock, metrics, campaignStatus, allowedOrigins: [PAGE], stopping: stopping.signal },
      couponService: createCouponService({
        ...{ campaignStatus, clock, issueCoupon: unasked, findCoupon: unasked },
      }),
    });
  });
  after(() => app.close());

  const unasked = () => Promise.reject(new Error("not asked here"));

  async function onBoth(...request: Parameters<Ask>): Promise<Answer> {
    const [one, two] = await Promise.all([http1(app)(...request), http2(app)(...request)]);
    expect(two, request.join(" ")).to.deep.equal(one);
    return two;
  }

  it("are answered as over HTTP/1.1", async () => {
    const whole = await onBoth("GET", statusOf(ID));
    expect([whole.status, JSON.parse(whole.body).state]).to.deep.equal([200, "CAMPAIGN_STATE_SCHEDULED"]);
    expect(whole.fields).to.include({ "cache-control": "public, max-age=0, s-maxage=1" });
    const head = await onBoth("HEAD", statusOf(ID));
    expect(head).to.deep.equal({ ...whole, body: "" });
    const { etag } = whole.fields as { etag: string };
    for (const known of [etag, `W/${etag}`, "*"]) {
      const answer = await onBoth("GET", statusOf(ID), { "if-none-match": known });
      expect([answer.status, answer.body], known).to.deep.equal([304, ""]);
      expect(answer.fields).to.include({ etag });
    }
    expect((await onBoth("GET", statusOf(ID), { "if-none-match": '"other"' })).status).to.equal(200);
    const near = await onBoth("GET", statusOf(NEAR));
    expect(near.fields).to.include({ "cache-control": "no-store" });
    expect((await onBoth("GET", statusOf(ID), { origin: PAGE })).fields).to.include({
      "access-control-allow-origin": PAGE,
    });
  });

  it("refusals are answered so, too, and counted under their code", async () => {
    const unknown = await onBoth("GET", statusOf(NONE));
    expect([unknown.status, JSON.parse(unknown.body).code]).to.deep.equal([404, "not_found"]);
    const counted = 'duration_seconds_count{rpc="CouponService/GetCampaignStatus",code="not_found"} 2';
    const isCounted = async () => (await metrics.registry.metrics()).includes(counted);
    expect(await until(isCounted, HANG_MS), counted).to.equal(true);
  });

  it("what the framework answers is not kept unless it says so, and has no body where HEAD asks", async () => {
    const unusual = `${statusOf(ID)}&x=`;
    const whole = await onBoth("GET", unusual);
    expect([whole.status, (await onBoth("HEAD", unusual)).body]).to.deep.equal([200, ""]);
    const before = asked;
    const refused = await onBoth("GET", `${STATUS}?connect=v1`);
    expect([refused.status, asked - before]).to.deep.equal([415, 0]);
    expect(refused.fields).to.include({ "cache-control": "no-store" });
  });

  it("/healthz and /readyz, also while the server is about to stop", async () => {
    for (const method of ["GET", "HEAD"])
      for (const path of ["/healthz", "/livez", "/livez?verbose", "/readyz?a=b", "/readyz?verbose"]) {
        const answer = await onBoth(method, path);
        expect([answer.status, answer.body === ""], path).to.deep.equal([200, method === "HEAD"]);
      }
    for (const path of ["/healthz/", "/Readyz"])
      expect((await http2(app)("GET", path)).status, path).to.equal(404);
    expect((await http2(app)("POST", "/healthz")).status).to.equal(404);
    stopping.abort();
    const stopped = await onBoth("GET", "/readyz");
    expect([stopped.status, stopped.body]).to.deep.equal([503, '{"status":"draining"}']);
    expect((await onBoth("GET", "/healthz")).status).to.equal(200);
  });
});
