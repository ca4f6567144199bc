import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { traceContextOf } from "../../runtime/trace-context.ts";
import { NO_TRACER, type Span, type Traced, type Tracer } from "../../runtime/tracer.ts";
import { CALL_ID, createCallIds } from "./call-ids.ts";
import type { CrossOrigin } from "./cross-origin.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/** What names a call: in the log and in its answer, and in a trace where it is sampled. */
export type CallTrace = Traced & {
  /** The id of its trace where it has one, its caller's or ours; else one of this process. */
  readonly callId: string;
};

export type CallTraces = {
  /** False: no call has a span. */
  readonly isOn: boolean;
  /** Begins the span of a call where it is sampled. `method`: as in `coupon.v1.CouponService/IssueCoupon`. */
  begin(request: AnyRequest, method: string): Span | undefined;
  callIdOf(request: AnyRequest, span: Span | undefined): string;
  /** Makes `traceOf` return it for this request. */
  keep(request: AnyRequest, trace: CallTrace): void;
  /** The same for one request, however often it is asked. `method`: its span is begun, if there is none. */
  traceOf(request: AnyRequest, method?: string): CallTrace;
  /** Lets handlers find the trace of their call by `traceIn`. */
  addTrace(values: ContextValues, request: AnyRequest): ContextValues;
  /** Sets the id of a call on its answer, whose head is not written yet. */
  name(request: AnyRequest, response: AnyResponse): void;
};

const UNNAMED: CallTrace = { callId: "" };
const key = createContextKey<CallTrace>(UNNAMED, { description: "the trace of a call" });

export function traceIn(values: ContextValues | undefined): CallTrace {
  return values?.get(key) ?? UNNAMED;
}

export function createCallTraces(tracer: Tracer = NO_TRACER): CallTraces {
  const nextId = createCallIds();
  const kept = new WeakMap<AnyRequest, CallTrace>();

  function begin(request: AnyRequest, method: string): Span | undefined {
    const { traceparent } = request.headers;
    const from = traceparent === undefined ? undefined : traceContextOf(traceparent);
    if (!tracer.samples(from)) return undefined;
    const { tracestate, "content-type": type } = request.headers;
    const system = type?.startsWith("application/grpc") === true ? "grpc" : "connectrpc";
    const { localAddress: address, localPort: port } = request.socket;
    return tracer.beginCall({ system, method, address, port }, from, tracestate?.toString());
  }

  function callIdOf({ headers }: AnyRequest, span: Span | undefined): string {
    if (span !== undefined) return span.traceId;
    const { traceparent } = headers;
    return (traceparent === undefined ? undefined : traceContextOf(traceparent)?.traceId) ?? nextId();
  }

  function traceOf(request: AnyRequest, method?: string): CallTrace {
    const known = kept.get(request);
    if (known !== undefined) return known;
    const span = tracer.isOn && method !== undefined ? begin(request, method) : undefined;
    const trace = { span, callId: callIdOf(request, span) };
    kept.set(request, trace);
    return trace;
  }

  return {
    isOn: tracer.isOn,
    ...{ begin, callIdOf, traceOf },
    keep: (request, trace) => void kept.set(request, trace),
    addTrace: (values, request) => values.set(key, traceOf(request)),
    name: (request, response) => void response.setHeader(CALL_ID, traceOf(request).callId),
  };
}

/** The fields of every answer off the fast path: those for pages of other origins, and the call's id. */
export function createAnswerFields(
  crossOrigin: CrossOrigin,
  traces: CallTraces,
): Pick<CrossOrigin, "addFields" | "answering"> {
  return {
    addFields(request: AnyRequest, response) {
      crossOrigin.addFields(request, response);
      traces.name(request, response);
    },
    answering(listener) {
      const answering = crossOrigin.answering(listener);
      return (request, response) => {
        traces.name(request, response);
        answering(request, response);
      };
    },
  };
}
