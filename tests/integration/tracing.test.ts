import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients, grpcClients } from "../support/clients.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../support/otlp-receiver.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX, leakIn } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const ISSUE = "coupon.v1.CouponService/IssueCoupon";
const PARENT = { trace: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" };
const HEADER_SECRET = "a-secret-of-the-receiver-4711";

describe("a service that sends traces", () => {
  const stores = withStores();
  let services: Services;
  let receiver: OtlpReceiver;
  let service: Service;
  let campaignId = "";
  const codes: string[] = [];

  const envOf = (url: string): Record<string, string> => ({
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
    ...{ OTEL_SERVICE_NAME: "sale", OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=a%20test" },
    ...{
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${HEADER_SECRET}`,
    },
  });

  before(async () => {
    services = createServices(stores.env);
    receiver = await startOtlpReceiver();
    service = await services.start({ env: envOf(receiver.url) });
    const clients = connectClients(service.url);
    campaignId = await createOpenCampaign(clients, { total: 20 });
    const claim = (user: string, traceparent: string) =>
      fetch(`${service.url}/${ISSUE}`, {
        method: "POST",
        headers: { "content-type": "application/json", traceparent, tracestate: "shop=1" },
        body: JSON.stringify({ campaignId, userId: `${KEY_PREFIX}${user}` }),
      });
    const answers = await Promise.all([
      claim("a", `00-${PARENT.trace}-${PARENT.span}-01`),
      claim("not-sampled", `00-${PARENT.trace.replace("0", "1")}-${PARENT.span}-00`),
    ]);
    ids.push(...answers.map((answer) => answer.headers.get("x-request-id") ?? ""));
    for (const answer of answers)
      codes.push(((await answer.json()) as { coupon: { code: string } }).coupon.code);
    const grpc = grpcClients(service.grpcUrl);
    try {
      const { coupon } = await grpc.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}b` });
      codes.push(coupon?.code ?? "");
      const nobody = grpc.coupons.findCoupon({ campaignId, userId: `${KEY_PREFIX}nobody` });
      await nobody.catch(() => undefined);
    } finally {
      grpc.close();
    }
    await clients.campaigns.pauseCampaign({ campaignId });
    // The stop sends what has not been sent yet.
    expect(await service.process.stop()).to.equal(0);
  });
  after(async () => {
    await services.end();
    await receiver.close();
  });

  const ids: string[] = [];
  const named = (name: string) => receiver.spans().filter((span) => span.name === name);
  const claimOf = (system: string) =>
    named(ISSUE).find(({ attributes }) => attributes["rpc.system.name"] === system);

  it("a call is a span in its caller's trace, and its answer names the trace", () => {
    const call = claimOf("connectrpc");
    expect(call).to.include({
      traceId: PARENT.trace,
      parentSpanId: PARENT.span,
      kind: 2,
      traceState: "shop=1",
    });
    expect(call?.attributes).to.include({ "rpc.method": ISSUE, "coupon.campaign.id": campaignId });
    expect(call?.attributes).to.include({ "coupon.outcome": "issued", "server.address": "127.0.0.1" });
    expect(call?.resource).to.include({ "service.name": "sale", "deployment.environment.name": "a test" });
    expect(ids).to.deep.equal([PARENT.trace, PARENT.trace.replace("0", "1")]);
  });

  it("a call that its caller does not sample has none; one without a context begins a trace", () => {
    expect(named(ISSUE)).to.have.length(2);
    const call = claimOf("grpc");
    expect(call?.attributes).to.include({ "rpc.response.status_code": "OK" });
    expect(call?.parentSpanId ?? "").to.equal("");
    const [lookUp] = named("coupon.v1.CouponService/FindCoupon");
    expect(lookUp?.attributes).to.include({ "rpc.response.status_code": "NOT_FOUND" });
    expect(lookUp?.status?.code ?? 0).to.equal(0);
    expect(named("coupon.v1.CampaignService/CreateCampaign")).to.have.length(1);
  });

  it("a batch is linked with the calls in it, and they with it", () => {
    for (const name of ["EVALSHA claim", "insert issuances"]) {
      const batches = named(name);
      expect(batches.length, name).to.be.greaterThan(0);
      for (const system of ["connectrpc", "grpc"]) {
        const call = claimOf(system);
        const mine = batches.filter(({ links }) => links?.some(({ spanId }) => spanId === call?.spanId));
        expect(mine, `${name} of ${system}`).to.have.length(1);
        expect(mine[0]).to.include({ kind: 3 });
        expect(mine[0]?.attributes).to.include({ "coupon.campaign.id": campaignId });
        expect(call?.links?.map(({ spanId }) => spanId)).to.include(mine[0]?.spanId);
      }
    }
    const [claims] = named("EVALSHA claim");
    expect(claims?.attributes).to.include({ "db.system.name": "redis", "db.stored_procedure.name": "claim" });
    const [commits] = named("insert issuances");
    expect(commits?.attributes).to.include({
      "db.system.name": "mongodb",
      "db.collection.name": "issuances",
    });
  });

  it("making codes, a load, an opening and a change are spans; the change is a part of its call", () => {
    const [made] = named("make codes");
    expect(made).to.include({ kind: 1 });
    expect(made?.attributes).to.include({ "coupon.campaign.id": campaignId, "coupon.outcome": "all" });
    const [load] = named("load pool");
    expect(load?.attributes).to.include({ "coupon.campaign.id": campaignId, "coupon.outcome": "loaded" });
    const opened = named("arm campaign").find(({ attributes }) => attributes["coupon.outcome"] === "opened");
    expect(opened?.attributes).to.include({ "coupon.campaign.id": campaignId });
    const [change] = named("change campaign");
    expect(change?.attributes).to.include({ "coupon.change.verb": "pause", "coupon.outcome": "changed" });
    const [call] = named("coupon.v1.CampaignService/PauseCampaign");
    expect(change).to.include({ traceId: call?.traceId, parentSpanId: call?.spanId });
  });

  it("no code, no user and no secret is in a span or in a log line; the receiver's credential is sent", () => {
    const all = receiver.requests.map(({ body }) => body.toString("utf8"));
    for (const secret of [...codes, KEY_PREFIX, OPERATOR_TOKEN, HEADER_SECRET])
      expect(all.join("\n"), secret).to.not.include(secret);
    expect(all.filter(leakIn)).to.deep.equal([]);
    expect(services.lines.filter((line) => line.includes(HEADER_SECRET))).to.deep.equal([]);
    expect(receiver.requests[0]?.headers.authorization).to.equal(`Bearer ${HEADER_SECRET}`);
    expect(receiver.requests[0]?.path).to.equal("/v1/traces");
  });

  it("the log names the call as its trace does", () => {
    const [pause] = named("coupon.v1.CampaignService/PauseCampaign");
    const lines = services.lines.filter((line) => line.includes(`"callId":"${pause?.traceId}"`));
    expect(lines.some((line) => line.includes("campaign changed"))).to.equal(true);
    expect(lines.some((line) => line.includes("operator's call"))).to.equal(true);
  });

  it("in protobuf by default; a receiver that does not answer holds up neither claims nor the stop", async () => {
    const silent = await startOtlpReceiver();
    silent.answer = undefined;
    try {
      const { OTEL_EXPORTER_OTLP_PROTOCOL: _, ...env } = envOf(silent.url);
      const other = await services.start({ env });
      const id = await createOpenCampaign(connectClients(other.url), { total: 1 });
      const { coupon } = await connectClients(other.url).coupons.issueCoupon({
        ...{ campaignId: id, userId: `${KEY_PREFIX}c` },
      });
      expect(coupon?.code).to.not.equal(undefined);
      expect(await until(() => silent.requests.length > 0, HANG_MS)).to.equal(true);
      expect(await other.process.stop()).to.equal(0);
      expect(silent.requests[0]?.headers["content-type"]).to.equal("application/x-protobuf");
      expect(silent.requests.some(({ body }) => body.includes("coupon.v1."))).to.equal(true);
      expect(silent.requests.some(({ body }) => body.includes(coupon?.code ?? "?"))).to.equal(false);
    } finally {
      await silent.close();
    }
  });
});
