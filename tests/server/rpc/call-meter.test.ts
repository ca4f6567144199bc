import { once } from "node:events";
import { createServer, type RequestListener, request as send } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { Code, createContextValues } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { expect } from "chai";
import type { AuthenticateOperator } from "../../../access/operators.ts";
import type { IssueCoupon } from "../../../claims/issue-coupon.ts";
import { until } from "../../../local/poll.ts";
import { CampaignService } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createMetrics, type Metrics } from "../../../runtime/metrics.ts";
import { createCallMeter } from "../../../server/rpc/call-meter.ts";
import { createCouponService } from "../../../server/rpc/coupon-service.ts";
import { anyone } from "../../support/anyone.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { JSON_TRANSPORTS } from "../../support/json-transports.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openStream } from "../../support/raw-call.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const ISSUE = "CouponService/IssueCoupon";
const LIST = "CampaignService/ListCampaigns";
const WATCH = "CampaignService/WatchCampaign";

describe("duration of RPCs", () => {
  let metrics: Metrics;
  let app: StubApp;
  let operator: AuthenticateOperator = anyone;
  /** Ends the stream that runs. */
  const ends: (() => void)[] = [];
  /** What listCampaigns waits for, once its caller has left. */
  let listing: ((callerLeft: AbortSignal) => Promise<void>) | undefined;

  before(async () => {
    metrics = createMetrics();
    const issueCoupon: IssueCoupon = ({ campaignId, userId }) => {
      if (campaignId === "bug") throw new Error("a bug");
      if (campaignId !== "open") return { kind: "refused", refusal: { reason: "SOLD_OUT" } };
      const coupon = {
        ...{ campaignId, claimKey: userId, userId, code: "가나다라마바0001", generation: 1, seq: 1 },
        issuedAtMs: 1_800_000_000_000,
      };
      return { kind: "issued", coupon, replayed: false };
    };
    const unasked = () => Promise.reject(new Error("not asked here"));
    const handlers = { issueCoupon, findCoupon: unasked, campaignStatus: unasked };
    const campaignService = {
      async listCampaigns(_: unknown, { signal }: { signal: AbortSignal }) {
        await listing?.(signal);
        return { campaigns: [] };
      },
      async *watchCampaign() {
        yield {};
        await new Promise<void>((resolve) => {
          ends.push(resolve);
        });
      },
    };
    app = await openStubApp({
      ...{ metrics, ...handlers, campaignService: campaignService as never },
      couponService: createCouponService({ ...handlers, clock: systemClock }),
      metricsPage: () => metrics.registry.metrics(),
      authenticateOperator: (authorization) => operator(authorization),
    });
  });
  after(() => app.close());

  async function countOf(rpc: string, code: string): Promise<number> {
    const page = await metrics.registry.getSingleMetricAsString("coupon_rpc_server_duration_seconds");
    const series = `coupon_rpc_server_duration_seconds_count{rpc="${rpc}",code="${code}"} `;
    return Number(page.split(series)[1]?.split("\n")[0] ?? 0);
  }

  /** Calls, and sees that this count alone rises, by one. */
  async function countsOne(rpc: string, code: string, call: () => Promise<unknown>): Promise<void> {
    const all = async () => {
      const { values } = await metrics.rpcSeconds.get();
      return values
        .filter(({ metricName }) => metricName?.endsWith("_count"))
        .reduce((sum, { value }) => sum + value, 0);
    };
    const [before, allBefore] = [await countOf(rpc, code), await all()];
    await call();
    // The server notes the end of an answer a moment after its caller has read it.
    expect(await until(async () => (await all()) > allBefore, HANG_MS), `${rpc} ${code}`).to.equal(true);
    expect(await countOf(rpc, code), `${rpc} ${code}`).to.equal(before + 1);
    expect(await all()).to.equal(allBefore + 1);
  }

  for (const { name, claim } of CLAIM_TRANSPORTS) {
    it(`a coupon, a refusal and a bug are counted over ${name}`, async () => {
      const asks = { open: "ok", soldout: "failed_precondition", bug: "internal" };
      for (const [campaignId, code] of Object.entries(asks))
        await countsOne(ISSUE, code, () => claim(app, { campaignId, userId: "alice" }, []));
    });
  }

  for (const { name, ask } of JSON_TRANSPORTS) {
    it(`over ${name}, a message that cannot be decoded and an operator without a right are counted`, async () => {
      const ports = { http: app.port, grpc: app.grpcPort };
      const unary = CampaignService.method.listCampaigns;
      const [method, rpc] =
        name === "Connect, stream"
          ? ([CampaignService.method.watchCampaign, WATCH] as const)
          : ([unary, LIST] as const);
      await countsOne(rpc, "invalid_argument", async () => ask(ports, method, "{"));
      operator = () => ({ kind: "wrong", why: "not known here" });
      try {
        await countsOne(rpc, "unauthenticated", async () => ask(ports, method, "{}"));
      } finally {
        operator = anyone;
      }
    });
  }

  it("a stream counts when it ends, as canceled where its caller leaves", async () => {
    for (const code of ["ok", "canceled"]) {
      await countsOne(WATCH, code, async () => {
        const stream = await openStream({ port: app.port, method: WATCH, fields: {} });
        expect(await until(() => ends.length > 0, HANG_MS)).to.equal(true);
        if (code === "ok") ends.pop()?.();
        else stream.destroy();
        for await (const _ of stream.on("error", () => undefined)) if (code !== "ok") break;
      }).finally(() => ends.pop()?.());
    }
  });

  it("paths of no method share one label, and pages have none", async () => {
    const url = `http://127.0.0.1:${app.port}`;
    for (const path of ["/nothing", "/coupon.v1.CouponService/Nothing", "/coupon.v1.CampaignService/Nothing"])
      await countsOne("unknown", "unimplemented", () => fetch(url + path, { method: "POST" }));
    const page = async () => (await fetch(`${url}/metrics`)).text();
    const ofRpcs = (text: string) => text.split("\n").filter((line) => line.startsWith("coupon_rpc_"));
    await fetch(`${url}/healthz`);
    const first = ofRpcs(await page());
    expect(first).to.have.length.above(0);
    expect(ofRpcs(await page())).to.deep.equal(first);
  });

  it("a request with two hosts is counted for what it asked", async () => {
    await countsOne(ISSUE, "invalid_argument", async () => {
      const socket = connect(app.port, "127.0.0.1");
      socket.end(
        "POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
      );
      for await (const _ of socket);
    });
  });

  it("a call that is refused because too many wait is counted once, wherever it waits", async () => {
    const meter = createCallMeter(metrics, systemClock);
    const request = { url: "/coupon.v1.CouponService/IssueCoupon" } as never;
    await countsOne(ISSUE, codeToString(Code.Unavailable), async () => {
      meter.refuses(request, Code.Unavailable);
    });
  });

  it("takes each duration into the first bucket whose bound it does not exceed", async () => {
    const record = createCallMeter(metrics, systemClock).recordOf("/coupon.v1.CouponService/FindCoupon");
    for (const tookMs of [0.2, 0.5, 0.6, 12, 20_000]) record.note(0, tookMs);
    const page = await metrics.registry.getSingleMetricAsString("coupon_rpc_server_duration_seconds");
    const buckets = new Map(
      [...page.matchAll(/_bucket\{le="([^"]+)",rpc="CouponService\/FindCoupon",code="ok"\} (\d+)/g)].map(
        ([, le = "", count]) => [le, Number(count)],
      ),
    );
    expect(buckets.get("0.0005")).to.equal(2);
    expect(buckets.get("0.001")).to.equal(3);
    expect(buckets.get("0.01")).to.equal(3);
    expect(buckets.get("0.025")).to.equal(4);
    expect(buckets.get("10")).to.equal(4);
    expect(buckets.get("+Inf")).to.equal(5);
    expect(page).to.match(/_sum\{rpc="CouponService\/FindCoupon",code="ok"\} 20\.0133/);
  });

  it("a unary call whose caller has left lasts until its handler is done", async () => {
    let hasLeft = false;
    let release: (() => void) | undefined;
    listing = (callerLeft) => {
      callerLeft.addEventListener("abort", () => {
        hasLeft = true;
      });
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const before = await Promise.all(["ok", "canceled"].map((code) => countOf(LIST, code)));
    const counts = () => Promise.all(["ok", "canceled"].map((code) => countOf(LIST, code)));
    const asked = send({
      ...{ port: app.port, host: "127.0.0.1", method: "POST", agent: false },
      path: "/coupon.v1.CampaignService/ListCampaigns",
      headers: { "content-type": "application/json", "content-length": "2" },
    });
    asked.on("error", () => undefined).end("{}");
    try {
      expect(await until(() => release !== undefined, HANG_MS), "the handler runs").to.equal(true);
      asked.destroy();
      expect(await until(() => hasLeft, HANG_MS)).to.equal(true);
      // The answer has closed by the time that a later call is counted.
      await countsOne(ISSUE, "ok", () =>
        fetch(`http://127.0.0.1:${app.port}/coupon.v1.CouponService/IssueCoupon`, {
          ...{ method: "POST", headers: { "content-type": "application/json" } },
          body: JSON.stringify({ campaignId: "open", userId: "alice" }),
        }),
      );
      expect(await counts(), "not while it runs").to.deep.equal(before);
    } finally {
      listing = undefined;
      release?.();
    }
    const [ok = 0, canceled = 0] = before;
    expect(await until(async () => String(await counts()) !== String(before), HANG_MS)).to.equal(true);
    expect(await counts()).to.deep.equal([ok + 1, canceled]);
  });

  /** A server of its own, with the calls that `listener` answers by hand. */
  async function byHand(listener: RequestListener) {
    const own = createMetrics();
    const meter = createCallMeter(own, systemClock);
    const server = createServer((request, response) =>
      meter.taking<typeof request, typeof response>(listener)(request, response),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const counted = async () => {
      const { values } = await own.rpcSeconds.get();
      return values
        .filter(({ metricName, value }) => metricName?.endsWith("_count") && value > 0)
        .map(({ labels, value }) => `${labels["rpc"]} ${labels["code"]} ${value}`);
    };
    return {
      ...{ own, meter, counted },
      ask: (method = "POST") => fetch(`${url}/coupon.v1.CouponService/FindCoupon`, { method }),
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  it("an answer that no handler and no gate gave counts by its HTTP status", async () => {
    const codes = {
      200: "ok",
      400: "invalid_argument",
      404: "unimplemented",
      500: "internal",
      503: "unavailable",
    };
    for (const [status, code] of Object.entries(codes)) {
      const { ask, counted, close } = await byHand((_, response) => response.writeHead(Number(status)).end());
      try {
        await ask();
        expect(await until(async () => (await counted()).length > 0, HANG_MS)).to.equal(true);
        expect(await counted(), status).to.deep.equal([`CouponService/FindCoupon ${code} 1`]);
      } finally {
        await close();
      }
    }
  });

  it("a question of a browser before its call is no call", async () => {
    const { ask, counted, close } = await byHand((_, response) => response.writeHead(204).end());
    try {
      await ask("OPTIONS");
      await ask();
      expect(await until(async () => (await counted()).length > 0, HANG_MS)).to.equal(true);
      expect(await counted()).to.deep.equal(["CouponService/FindCoupon ok 1"]);
    } finally {
      await close();
    }
  });

  it("a stream that is not read to its end is canceled, also where its answer ends in order", async () => {
    const { ask, meter, counted, close } = await byHand(async (request, response) => {
      const contextValues = meter.addCall(createContextValues(), request);
      const messages = (async function* () {
        yield {};
        yield {};
      })();
      const next = async () => ({ stream: true, message: messages });
      const answer = await meter.interceptor(next as never)({ stream: true, contextValues } as never);
      const iterator = (answer.message as AsyncIterable<object>)[Symbol.asyncIterator]();
      await iterator.next();
      await iterator.return?.();
      response.end();
    });
    try {
      await ask();
      expect(await until(async () => (await counted()).length > 0, HANG_MS)).to.equal(true);
      expect(await counted()).to.deep.equal(["CouponService/FindCoupon canceled 1"]);
    } finally {
      await close();
    }
  });

  it("the outcomes of a launch are on the first page, so that a rate sees the first of each", async () => {
    const own = createMetrics();
    createCallMeter(own, systemClock);
    const page = await own.registry.getSingleMetricAsString("coupon_rpc_server_duration_seconds");
    const counts = page.split("\n").filter((line) => line.includes("_count{"));
    expect(counts).to.deep.equal(
      ["ok", "failed_precondition", "unavailable"].map(
        (code) => `coupon_rpc_server_duration_seconds_count{rpc="${ISSUE}",code="${code}"} 0`,
      ),
    );
  });
});
