import type { TraceContext } from "../../runtime/trace-context.ts";
import type { SamplerName } from "../../runtime/tracing-settings.ts";

export type HeadSamplingOptions = {
  readonly sampler: SamplerName;
  readonly ratio: number;
  /** The decision by a trace id that a caller has chosen. */
  readonly byTraceId: (traceId: string) => boolean;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
};

/**
 * Whether a call is sampled, decided when its head has come. Of a call without a context no trace id exists
 * yet, and none is made for this: of a hundred calls ninety-nine would have it for nothing.
 */
export function createHeadSampling(
  options: HeadSamplingOptions,
): (from: TraceContext | undefined) => boolean {
  const { sampler, ratio, byTraceId, random = Math.random } = options;
  const isAlways = sampler.endsWith("always_on");
  const isNever = sampler.endsWith("always_off");
  const isOfParent = sampler.startsWith("parentbased_");
  const asRoot = () => isAlways || (!isNever && random() < ratio);
  return (from) => {
    if (from === undefined) return asRoot();
    if (isOfParent) return from.isSampled;
    return isAlways || (!isNever && byTraceId(from.traceId));
  };
}
