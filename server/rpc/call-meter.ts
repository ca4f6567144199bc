import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  type Interceptor,
} from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { HotSeries } from "../../runtime/hot-histogram.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { CallRecord } from "../http/call-record.ts";
import { type CallTraces, createCallTraces } from "../http/call-traces.ts";
import { SERVICES } from "./services.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;
type Listener<Q, S> = (request: Q, response: S) => void;

/**
 * How often each RPC is called, with which outcome, and how long it takes. The fast path notes its own
 * answers; all other calls are measured here, from their head to the end of their answer, a stream until it
 * ends.
 */
export type CallMeter = {
  /** For the fast path. */
  recordOf(path: string): CallRecord;
  /** Measures what `listener` answers; not the pages. */
  taking<Q extends AnyRequest, S extends AnyResponse>(listener: Listener<Q, S>): Listener<Q, S>;
  /** Lets `interceptor` and `noteAnswer` find the call of a request. */
  addCall(values: ContextValues, request: AnyRequest): ContextValues;
  /** The outermost: it notes what a handler answers. */
  readonly interceptor: Interceptor;
  /** The call is about to be refused, by no handler. */
  refuses(request: AnyRequest, code: Code): void;
  /** Nothing is served at the request's path. */
  unknown(request: AnyRequest): void;
};

/** A call that is measured. */
type Call = {
  readonly record: CallRecord;
  /** undefined: not answered yet. */
  code: number | undefined;
  /** The handler of a unary call: its caller may have left, and it goes on all the same. */
  isRunning: boolean;
  isClosed: boolean;
  end: () => void;
};

const OK = 0;
/** The label of calls whose path is that of no method: a caller may send any. */
const UNKNOWN = "unknown";
const PREFIXES = SERVICES.map(({ typeName }) => `/${typeName}/`);
/** By path, as in `CouponService/IssueCoupon`. */
const LABELS: ReadonlyMap<string, string> = new Map(
  SERVICES.flatMap(({ name, typeName, methods }) =>
    methods.map((method) => [`/${typeName}/${method.name}`, `${name}/${method.name}`] as const),
  ),
);
/** Of the call that makes a launch: its series are there from the first page on, so that a rate sees each. */
const FROM_THE_START = ["ok", "failed_precondition", "unavailable"].map((code) => ({
  ...{ rpc: `${CouponService.name}/${CouponService.method.issueCoupon.name}`, code },
}));

const key = createContextKey<Call | undefined>(undefined, { description: "the measured call" });

export function createCallMeter(
  { rpcSeconds }: Pick<Metrics, "rpcSeconds">,
  clock: Pick<Clock, "elapsed">,
  traces: Pick<CallTraces, "traceOf"> = createCallTraces(),
): CallMeter {
  for (const labels of FROM_THE_START) rpcSeconds.series(labels);
  const calls = new WeakMap<AnyRequest, Call>();
  const records = new Map<string, CallRecord>();

  function recordOf(path: string): CallRecord {
    const rpc = LABELS.get(path) ?? UNKNOWN;
    const known = records.get(rpc);
    if (known !== undefined) return known;
    const byCode: (HotSeries | undefined)[] = [];
    const made: CallRecord = {
      note(code, tookMs, span) {
        const series = byCode[code] ?? rpcSeconds.series({ rpc, code: labelOf(code) });
        byCode[code] = series;
        series.observe(tookMs / 1_000);
        if (span === undefined) return;
        span.note({ code: labelOf(code) });
        span.end();
      },
    };
    records.set(rpc, made);
    return made;
  }

  function begin(request: AnyRequest, response: AnyResponse, path: string): void {
    const record = recordOf(path);
    const beganMs = clock.elapsed();
    // A path that is of no method may be any text.
    const { span } = traces.traceOf(request, LABELS.has(path) ? path.slice(1) : undefined);
    const call: Call = {
      ...{ record, code: undefined, isRunning: false, isClosed: false },
      end() {
        if (call.isClosed && !call.isRunning)
          record.note(call.code ?? codeWithout(response), clock.elapsed() - beganMs, span);
      },
    };
    calls.set(request, call);
    response.once("close", () => {
      call.isClosed = true;
      call.end();
    });
  }

  return {
    recordOf,
    taking: (listener) => (request, response) => {
      const path = pathOf(request.url ?? "");
      if (isOfService(path) && request.method !== "OPTIONS") begin(request, response, path);
      listener(request, response);
    },
    addCall: (values, request) => values.set(key, calls.get(request)),
    interceptor: (next) => async (request) => {
      const call = request.contextValues.get(key);
      if (call === undefined) return next(request);
      call.isRunning = !request.stream;
      try {
        const response = await next(request);
        if (response.stream) return { ...response, message: ended(response.message, call) };
        call.code = OK;
        return response;
      } catch (error) {
        call.code = ConnectError.from(error).code;
        throw error;
      } finally {
        if (call.isRunning) {
          call.isRunning = false;
          call.end();
        }
      }
    },
    refuses(request, code) {
      const call = calls.get(request);
      if (call === undefined) recordOf(pathOf(request.url ?? "")).note(code, 0);
      else call.code = code;
    },
    unknown(request) {
      if (!calls.has(request)) recordOf(UNKNOWN).note(Code.Unimplemented, 0);
    },
  };
}

/** The framework answers a call with this error, whatever its handler did. */
export function noteAnswer(values: ContextValues | undefined, code: Code): void {
  const call = values?.get(key);
  if (call !== undefined) call.code = code;
}

function labelOf(code: number): string {
  return code === OK ? "ok" : codeToString(code);
}

function isOfService(path: string): boolean {
  return PREFIXES.some((prefix) => path.startsWith(prefix));
}

/** Also of a URL in absolute form, as a proxy gets it. */
function pathOf(url: string): string {
  const from = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  const [path = ""] = url.slice(Math.max(0, from)).split("?", 1);
  return path;
}

/** Of an answer that no handler and no gate gave, or of none. */
function codeWithout({ writableEnded, statusCode }: AnyResponse): number {
  if (!writableEnded) return Code.Canceled;
  if (statusCode < 400) return OK;
  if (statusCode === 404) return Code.Unimplemented;
  if (statusCode === 503) return Code.Unavailable;
  return statusCode < 500 ? Code.InvalidArgument : Code.Internal;
}

async function* ended<T>(messages: AsyncIterable<T>, call: Call): AsyncGenerator<T> {
  // A caller that leaves is not always told to the end of the stream.
  call.code = Code.Canceled;
  try {
    yield* messages;
    call.code = OK;
  } catch (error) {
    call.code = ConnectError.from(error).code;
    throw error;
  }
}
