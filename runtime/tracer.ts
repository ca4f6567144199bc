import type { TraceContext } from "./trace-context.ts";

/**
 * One piece of work as a trace shows it. Work that is not sampled has none: whoever has an optional span pays
 * one comparison for it.
 */
export type Span = {
  readonly traceId: string;
  /** Adds what is known of the work by now: no code, no user, and no text that a caller chose. */
  note(facts: SpanFacts): void;
  /** Ends it, once. `error`: the work failed; its type alone is kept. */
  end(error?: unknown): void;
};

/** Work that several calls share, and work of which there is little. */
export type SharedWork = "claim batch" | "commit batch";
export type RareWork = "make" | "load" | "arm" | "end" | "change";

export type SpanFacts = {
  /** The id of a campaign that there is. */
  readonly campaign?: string;
  /** How it came out, as a word of ours. */
  readonly outcome?: string;
  readonly verb?: string;
  readonly generation?: number;
  /** How long after its instant. */
  readonly lateMs?: number;
  /** Of a call: the code of Connect, or `ok`. */
  readonly code?: string;
};

export type TracedCall = {
  readonly system: "connectrpc" | "grpc";
  /** As in `coupon.v1.CouponService/IssueCoupon`. */
  readonly method: string;
  /** Where it came in. */
  readonly address: string | undefined;
  readonly port: number | undefined;
};

/** What belongs to a call, which may be sampled. */
export type Traced = {
  readonly span?: Span | undefined;
  /** By which the log names the call. */
  readonly callId?: string;
};

export type Tracer = {
  /** False: no method does anything, and none need be called. */
  readonly isOn: boolean;
  /** Whether a call is sampled; `from`: the context of its caller. */
  samples(from: TraceContext | undefined): boolean;
  /** Begins the span of a call that is sampled. `state`: the caller's tracestate. */
  beginCall(call: TracedCall, from: TraceContext | undefined, state: string | undefined): Span;
  /** Begins work for several calls, and links it with those that are sampled; undefined: none is. */
  beginShared(work: SharedWork, campaign: string, calls: readonly Traced[]): Span | undefined;
  /** Begins work that is always sampled, in the trace of a call where one is given. */
  beginRare(work: RareWork, campaign: string, call?: Span): Span | undefined;
};

/** Of a process that sends no traces. */
export const NO_TRACER: Tracer = {
  isOn: false,
  samples: () => false,
  beginCall() {
    throw new Error("a tracer that samples nothing was given a call");
  },
  beginShared: () => undefined,
  beginRare: () => undefined,
};

/** Ends the span with the work. `factsOf`: what the result shows of the work. */
export async function inSpan<T>(
  span: Span | undefined,
  work: () => Promise<T>,
  factsOf: (result: T) => SpanFacts = () => ({}),
): Promise<T> {
  if (span === undefined) return work();
  try {
    const result = await work();
    span.note(factsOf(result));
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
