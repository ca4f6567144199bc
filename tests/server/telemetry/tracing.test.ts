import { createHash } from "node:crypto";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { readConfig } from "../../../runtime/config.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { type TracingConfig, tracingSetupOf } from "../../../runtime/tracing-settings.ts";
import { createHeadSampling } from "../../../server/telemetry/head-sampling.ts";
import { openTracing, type Tracing } from "../../../server/telemetry/tracing.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../support/otlp-receiver.ts";
import { HANG_MS } from "../../support/patience.ts";

const STORES = { REDIS_URL: "redis://h", MONGODB_URL: "mongodb://h" };
const setupOf = (env: Record<string, string>) =>
  tracingSetupOf(readConfig({ ...STORES, ...env }) satisfies TracingConfig);
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALL = { system: "connectrpc", method: "s/M", address: undefined, port: undefined } as const;

describe("whether traces are sent, and where", () => {
  it("not unless an exporter or an endpoint is named, and not where that is taken back", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };
    for (const off of [
      {},
      { OTEL_TRACES_SAMPLER: "always_on" },
      { OTEL_TRACES_EXPORTER: "none", ...endpoint },
      { OTEL_SDK_DISABLED: "TRUE", ...endpoint },
    ])
      expect(setupOf(off as Record<string, string>), JSON.stringify(off)).to.equal(undefined);
    expect(setupOf({ OTEL_TRACES_EXPORTER: "otlp" })?.url).to.equal("http://localhost:4318/v1/traces");
    expect(setupOf(endpoint)?.url).to.equal("http://c:4318/v1/traces");
    expect(setupOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c/otlp/" })?.url).to.equal(
      "http://c/otlp/v1/traces",
    );
    const own = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t/x" };
    expect(setupOf(own)?.url).to.equal("https://t/x");
  });

  it("its own variables win over those for all signals", () => {
    const setup = setupOf({
      ...{ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" },
      ...{ OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=2", OTEL_EXPORTER_OTLP_TRACES_HEADERS: "b=3%2C4" },
      ...{ OTEL_RESOURCE_ATTRIBUTES: "service.name=x,team=y", OTEL_SERVICE_NAME: "z" },
      ...{ OTEL_BSP_MAX_QUEUE_SIZE: "10", OTEL_TRACES_SAMPLER_ARG: "0.5" },
    });
    expect(setup?.headers).to.deep.equal({ a: "1", b: "3,4" });
    expect(setup?.protocol).to.equal("http/json");
    expect(setup?.resource).to.deep.equal({ "service.name": "z", team: "y" });
    expect(setup?.queue.batchMost).to.equal(10);
    expect(setup?.ratio, "of a sampler without one").to.equal(1);
  });
});

describe("which calls are sampled", () => {
  const from = (isSampled: boolean, traceId = TRACE) => ({ traceId, spanId: "b7ad6b7169203331", isSampled });
  const rows = [
    ["always_on", true, true, true],
    ["always_off", false, false, false],
    ["traceidratio", false, true, true],
    ["parentbased_always_on", true, true, false],
    ["parentbased_always_off", false, true, false],
    ["parentbased_traceidratio", false, true, false],
  ] as const;
  for (const [sampler, root, ofSampled, ofUnsampled] of rows)
    it(`${sampler}`, () => {
      const samples = createHeadSampling({ sampler, ratio: 0.25, byTraceId: () => true, random: () => 0.25 });
      expect([samples(undefined), samples(from(true)), samples(from(false))]).to.deep.equal([
        ...[root, ofSampled, ofUnsampled],
      ]);
    });

  it("by the trace id of the caller alone where the sampler is no parent's, whatever was drawn", () => {
    const asked: string[] = [];
    const byTraceId = (traceId: string) => {
      asked.push(traceId);
      return traceId !== TRACE;
    };
    const other = TRACE.replace("0", "1");
    for (const random of [() => 0, () => 0.99]) {
      const samples = createHeadSampling({ sampler: "traceidratio", ratio: 0.5, byTraceId, random });
      expect([samples(from(true)), samples(from(false, other))]).to.deep.equal([false, true]);
    }
    expect(asked).to.deep.equal([TRACE, other, TRACE, other]);
  });

  it("a ratio is a share of the calls that begin a trace; 0 is none, 1 all", () => {
    const share = (ratio: number) => {
      let at = 0;
      const random = () => (at++ % 100) / 100;
      const byTraceId = () => false;
      const samples = createHeadSampling({ sampler: "parentbased_traceidratio", ratio, byTraceId, random });
      return Array.from({ length: 1_000 }, () => samples(undefined)).filter(Boolean).length;
    };
    expect([0, 0.01, 0.5, 1].map(share)).to.deep.equal([0, 10, 500, 1_000]);
  });
});

describe("spans on their way", () => {
  let receiver: OtlpReceiver;
  let tracing: Tracing | undefined;
  let lines: string[] = [];

  beforeEach(async () => {
    receiver = await startOtlpReceiver();
    lines = [];
  });
  afterEach(async () => {
    await tracing?.close();
    await receiver.close();
  });

  async function open(more: Record<string, string> = {}): Promise<Tracing> {
    const setup = setupOf({
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
      ...{ OTEL_BSP_SCHEDULE_DELAY: "10", ...more },
    });
    if (setup === undefined) throw new Error("no traces are sent");
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: "trace", format: "json", destination });
    const stores = { database: "d", redis: {}, mongodb: {} };
    tracing = await openTracing({ setup, stores, logger, clock: systemClock });
    return tracing;
  }

  it("a failure is one, by its type alone; a refusal is none", async () => {
    const { tracer } = await open();
    const ended = (code: string, error?: Error) => {
      const span = tracer.beginCall(CALL, undefined, undefined);
      span.note({ code });
      span.end(error);
      span.note({ outcome: "too late" });
      span.end();
    };
    ended("failed_precondition");
    ended("unavailable");
    ended("ok", new RangeError("with a secret 4711"));
    expect(await until(() => receiver.spans().length === 3, HANG_MS)).to.equal(true);
    const [refused, failed, broken] = receiver.spans();
    expect(refused?.attributes).to.deep.equal({
      "rpc.system.name": "connectrpc",
      "rpc.method": "s/M",
      "rpc.response.status_code": "failed_precondition",
    });
    expect(refused?.status?.code ?? 0).to.equal(0);
    expect(failed?.status?.code).to.equal(2);
    expect(failed?.attributes).to.include({ "error.type": "unavailable" });
    expect(broken?.attributes).to.include({ "error.type": "RangeError" });
    expect(receiver.requests.map(({ body }) => body.toString()).join("")).to.not.include("4711");
  });

  it("rare work is sampled whatever the ratio, shared work only with a call that is", async () => {
    const { tracer } = await open({
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.000001",
    });
    expect(tracer.beginShared("claim batch", "C", [{}, { span: undefined }])).to.equal(undefined);
    const load = tracer.beginRare("load", "C");
    load?.end();
    expect(load?.traceId).to.match(/^[\da-f]{32}$/);
    await tracing?.close();
    expect(receiver.spans().map(({ name }) => name)).to.deep.equal(["load pool"]);
    const off = await open({ OTEL_TRACES_SAMPLER: "always_off" });
    expect(off.tracer.beginRare("load", "C")).to.equal(undefined);
  });

  it("of callers' traces a ratio is a share by their ids, the same in each process", async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) =>
      createHash("sha256").update(String(i)).digest("hex").slice(0, 32),
    );
    const sampled = async () => {
      const { tracer, close } = await open({
        ...{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" },
      });
      const spanId = "b7ad6b7169203331";
      const chosen = ids.filter((traceId) => tracer.samples({ traceId, spanId, isSampled: true }));
      await close();
      return chosen;
    };
    const first = await sampled();
    expect(first.length).to.be.within(200, 300);
    expect(await sampled()).to.deep.equal(first);
  });

  it("an insert of several is a batch by the conventions, one of a single claim is none", async () => {
    const { tracer } = await open();
    const calls = Array.from({ length: 3 }, () => ({ span: tracer.beginCall(CALL, undefined, undefined) }));
    tracer.beginShared("commit batch", "C", calls)?.end();
    tracer.beginShared("commit batch", "C", calls.slice(0, 1))?.end();
    tracer.beginShared("claim batch", "C", calls)?.end();
    await tracing?.close();
    const sizes = receiver.spans().map(({ name, attributes }) => ({
      ...{ name, batch: attributes["db.operation.batch.size"], ours: attributes["coupon.batch.size"] },
    }));
    expect(sizes).to.deep.equal([
      { name: "insert issuances", batch: 3, ours: 3 },
      { name: "insert issuances", batch: undefined, ours: 1 },
      { name: "EVALSHA claim", batch: undefined, ours: 3 },
    ]);
  });

  it("how late an opening was is told in seconds", async () => {
    const { tracer } = await open();
    const span = tracer.beginRare("arm", "C");
    span?.note({ outcome: "opened", lateMs: 1_500 });
    span?.end();
    await tracing?.close();
    expect(receiver.spans()[0]?.attributes).to.include({ "coupon.late": 1.5, "coupon.outcome": "opened" });
  });

  it("a batch of a thousand sampled claims keeps a link to each", async () => {
    const { tracer } = await open();
    const calls = Array.from({ length: 1_000 }, () => ({
      span: tracer.beginCall(CALL, undefined, undefined),
    }));
    tracer.beginShared("commit batch", "C", calls)?.end();
    await tracing?.close();
    expect(receiver.spans().find(({ name }) => name === "insert issuances")?.links).to.have.length(1_000);
  });

  it("a receiver that refuses is told of once, and once when it takes spans again", async () => {
    receiver.answer = (response) => void response.writeHead(400).end();
    const { tracer } = await open();
    const send = async () => {
      const before = receiver.requests.length;
      tracer.beginCall(CALL, undefined, undefined).end();
      expect(await until(() => receiver.requests.length > before, HANG_MS)).to.equal(true);
    };
    await send();
    await send();
    expect(await until(() => lines.length > 0, HANG_MS)).to.equal(true);
    receiver.answer = (response) => void response.end("{}");
    await send();
    expect(await until(() => lines.length > 1, HANG_MS)).to.equal(true);
    expect(lines[0]).to.include("spans cannot be sent").and.include('"level":"warn"');
    expect(lines[1]).to.include("spans are sent again").and.include('"lost":2');
  });

  it("an end waits for a receiver that does not answer, but not for ever; what waits is bounded", async () => {
    receiver.answer = undefined;
    const { tracer, close } = await open({ OTEL_BSP_MAX_QUEUE_SIZE: "100" });
    for (let i = 0; i < 10_000; i++) tracer.beginCall(CALL, undefined, undefined).end();
    await close();
    tracing = undefined;
    expect(receiver.spans().length).to.be.at.most(300);
  });
});
