import {
  type Span as ApiSpan,
  type Tracer as ApiTracer,
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import type { TraceContext } from "../../runtime/trace-context.ts";
import type { Span, SpanFacts, TracedCall, Tracer } from "../../runtime/tracer.ts";
import {
  callShape,
  errorTypeOf,
  factsShape,
  rareShape,
  type SpanShape,
  type StoreFacts,
  sharedShape,
} from "./span-shapes.ts";

export type OtelTracerOptions = {
  readonly tracer: ApiTracer;
  readonly samples: Tracer["samples"];
  /** Whether work that is rare is sampled. */
  readonly samplesRare: boolean;
  readonly stores: StoreFacts;
};

/**
 * Records by OpenTelemetry. Contexts are passed as values: no AsyncLocalStorage, which costs each promise of
 * the process something on Node 20.
 */
export function createOtelTracer({ tracer, samples, samplesRare, stores }: OtelTracerOptions): Tracer {
  function begin(shape: SpanShape, kind: SpanKind, context: Context, system?: TracedCall["system"]) {
    const { name, attributes } = shape;
    return new OtelSpan(tracer.startSpan(name, { kind, attributes }, context), system);
  }

  return {
    isOn: true,
    samples,
    beginCall: (call, from, state) =>
      begin(callShape(call), SpanKind.SERVER, contextOf(from, state), call.system),
    beginShared(work, campaign, calls) {
      let shared: OtelSpan | undefined;
      for (const { span } of calls) {
        if (!(span instanceof OtelSpan)) continue;
        shared ??= begin(sharedShape(work, campaign, calls.length, stores), SpanKind.CLIENT, ROOT_CONTEXT);
        shared.linkWith(span);
      }
      return shared;
    },
    beginRare(work, campaign, call) {
      if (call instanceof OtelSpan)
        return begin(rareShape(work, campaign), SpanKind.INTERNAL, trace.setSpan(ROOT_CONTEXT, call.inner));
      return samplesRare ? begin(rareShape(work, campaign), SpanKind.INTERNAL, ROOT_CONTEXT) : undefined;
    },
  };
}

function contextOf(from: TraceContext | undefined, state: string | undefined): Context {
  if (from === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId: from.traceId, spanId: from.spanId, isRemote: true },
    traceFlags: from.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  });
}

class OtelSpan implements Span {
  readonly inner: ApiSpan;
  readonly #system: TracedCall["system"] | undefined;

  constructor(inner: ApiSpan, system: TracedCall["system"] | undefined) {
    this.inner = inner;
    this.#system = system;
  }

  get traceId(): string {
    return this.inner.spanContext().traceId;
  }

  /** Each of the two names the other. The call may have been answered, and so have ended, meanwhile. */
  linkWith(call: OtelSpan): void {
    this.inner.addLink({ context: call.inner.spanContext() });
    if (call.inner.isRecording()) call.inner.addLink({ context: this.inner.spanContext() });
  }

  note(facts: SpanFacts): void {
    if (!this.inner.isRecording()) return;
    const { attributes, isFailure } = factsShape(facts, this.#system);
    this.inner.setAttributes(attributes satisfies Attributes);
    if (isFailure) this.inner.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(error?: unknown): void {
    if (!this.inner.isRecording()) return;
    if (error !== undefined) {
      this.inner.setAttribute("error.type", errorTypeOf(error));
      this.inner.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.inner.end();
  }
}
