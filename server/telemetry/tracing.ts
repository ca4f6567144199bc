import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { DiagLogLevel, diag, ROOT_CONTEXT } from "@opentelemetry/api";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Clock } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Tracer } from "../../runtime/tracer.ts";
import type { TracingSetup } from "../../runtime/tracing-settings.ts";
import { productVersion } from "../../runtime/version.ts";
import { createHeadSampling } from "./head-sampling.ts";
import { createOtelTracer } from "./otel-tracer.ts";
import { createPacedDiag } from "./paced-diag.ts";
import type { StoreFacts } from "./span-shapes.ts";
import { tellingExporter } from "./telling-exporter.ts";

export type Tracing = {
  readonly tracer: Tracer;
  /** Sends what has ended, within a bound, and ends. */
  close(): Promise<void>;
};

export type TracingDeps = {
  readonly setup: TracingSetup;
  readonly stores: StoreFacts;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** A stop waits for so long for a receiver that does not answer. */
const CLOSE_DEADLINE_MS = 2_000;
/** The most claims and inserts of a batch are 1,000; each that is sampled is a link. */
const LINKS_MAX = 1_000;
/** Our own texts in spans are short; whatever is longer is a mistake. */
const TEXT_LENGTH_MAX = 256;

/** Sends spans by OTLP over HTTP. Nothing global is set but where OpenTelemetry's own warnings go. */
export async function openTracing({ setup, stores, clock, logger: of }: TracingDeps): Promise<Tracing> {
  const logger = of.child({ component: "telemetry" });
  diag.setLogger(createPacedDiag(logger, clock), {
    logLevel: DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  });
  const { sampler, ratio, resource, queue } = setup;
  const byRatio = new TraceIdRatioBasedSampler(ratio);
  const provider = new TracerProvider({
    // What is not sampled never comes here.
    sampler: new AlwaysOnSampler(),
    spanLimits: { linkCountLimit: LINKS_MAX, attributeValueLengthLimit: TEXT_LENGTH_MAX },
    resource: defaultResource().merge(
      resourceFromAttributes({
        ...{ "service.version": productVersion(), "service.instance.id": randomUUID() },
        ...{ "host.name": hostname(), "process.pid": process.pid },
        ...resource,
      }),
    ),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: tellingExporter(await openExporter(setup), logger),
        ...{ scheduledDelayMillis: queue.delayMs, exportTimeoutMillis: queue.timeoutMs },
        ...{ maxQueueSize: queue.most, maxExportBatchSize: queue.batchMost },
      }),
    ],
  });
  const tracer = createOtelTracer({
    tracer: provider.getTracer("coupon-issuer", productVersion()),
    samples: createHeadSampling({
      ...{ sampler, ratio },
      byTraceId: (traceId) =>
        byRatio.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    }),
    samplesRare: !sampler.endsWith("always_off") && ratio > 0,
    stores,
  });
  return {
    tracer,
    async close() {
      // An exporter that fails has been told of already.
      await withDeadline(provider.shutdown(), CLOSE_DEADLINE_MS, "sending spans", clock).catch(
        () => undefined,
      );
      diag.disable();
    },
  };
}

async function openExporter({ url, headers, protocol }: TracingSetup): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter({ url, headers: { ...headers } });
}
