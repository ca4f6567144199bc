import type { z } from "zod";
import { keyPairsIn } from "./key-pairs.ts";
import { checked, count, milliseconds, oneOf } from "./setting-kinds.ts";
import { redactUrls } from "./url-secrets.ts";

/**
 * The settings of traces: the variables that OpenTelemetry's specification names, with its defaults, except
 * that nothing is sent unless an exporter or an endpoint is named. `server/telemetry/` uses them.
 */

const SAMPLERS = [
  ...(["always_on", "always_off", "traceidratio"] as const),
  ...(["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] as const),
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

const PROTOCOLS = ["http/protobuf", "http/json"] as const;
const endpoint = checked((text) =>
  /^https?:\/\/\S+$/.test(text) && URL.canParse(text) ? undefined : "must be an http:// or https:// URL",
);
const pairs = checked((text) =>
  keyPairsIn(text) === undefined
    ? "must be pairs name=value with commas between them, the values percent-encoded"
    : undefined,
);

export const tracingSettings = {
  OTEL_SDK_DISABLED: checked((text) =>
    /^(true|false)$/i.test(text) ? undefined : "must be true or false",
  ).default("false"),
  OTEL_TRACES_EXPORTER: oneOf(["otlp", "none"]).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: pairs.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: oneOf(PROTOCOLS).default("http/protobuf"),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: oneOf(PROTOCOLS).optional(),
  OTEL_TRACES_SAMPLER: oneOf(SAMPLERS).default("parentbased_always_on"),
  OTEL_TRACES_SAMPLER_ARG: checked((text) =>
    /^(\d+|\d*\.\d+)$/.test(text) && Number(text) <= 1 ? undefined : "must be a number from 0 to 1",
  ).default("1"),
  OTEL_SERVICE_NAME: checked((text) =>
    text.trim() !== "" && text.length <= 255 ? undefined : "must be a name of up to 255 characters",
  ).optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
  OTEL_BSP_SCHEDULE_DELAY: milliseconds(1, 600_000).default(5_000),
  OTEL_BSP_EXPORT_TIMEOUT: milliseconds(1, 600_000).default(30_000),
  OTEL_BSP_MAX_QUEUE_SIZE: count(1, 1_000_000).default(2_048),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: count(1, 100_000).default(512),
};

/** Where traces go, and which. */
export type TracingSetup = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly sampler: SamplerName;
  readonly ratio: number;
  readonly resource: Readonly<Record<string, string>>;
  readonly queue: {
    readonly delayMs: number;
    readonly timeoutMs: number;
    readonly most: number;
    readonly batchMost: number;
  };
};

export type TracingConfig = z.output<z.ZodObject<typeof tracingSettings>>;

const DEFAULT_ENDPOINT = "http://localhost:4318";
const SERVICE_NAME = "coupon-issuer";

/** undefined: no traces are sent. */
export function tracingSetupOf(config: TracingConfig): TracingSetup | undefined {
  const general = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  const own = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const isNamed = (config.OTEL_TRACES_EXPORTER ?? own ?? general) !== undefined;
  const isOff = config.OTEL_SDK_DISABLED.toLowerCase() === "true" || config.OTEL_TRACES_EXPORTER === "none";
  if (isOff || !isNamed) return undefined;
  const sampler = config.OTEL_TRACES_SAMPLER;
  const named = config.OTEL_SERVICE_NAME;
  return {
    url: own ?? `${(general ?? DEFAULT_ENDPOINT).replace(/\/$/, "")}/v1/traces`,
    headers: {
      ...pairsOf(config.OTEL_EXPORTER_OTLP_HEADERS),
      ...pairsOf(config.OTEL_EXPORTER_OTLP_TRACES_HEADERS),
    },
    protocol: config.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? config.OTEL_EXPORTER_OTLP_PROTOCOL,
    sampler,
    ratio: sampler.endsWith("ratio") ? Number(config.OTEL_TRACES_SAMPLER_ARG) : 1,
    resource: {
      "service.name": SERVICE_NAME,
      ...pairsOf(config.OTEL_RESOURCE_ATTRIBUTES),
      ...(named === undefined ? {} : { "service.name": named }),
    },
    queue: {
      delayMs: config.OTEL_BSP_SCHEDULE_DELAY,
      timeoutMs: config.OTEL_BSP_EXPORT_TIMEOUT,
      most: config.OTEL_BSP_MAX_QUEUE_SIZE,
      batchMost: Math.min(config.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, config.OTEL_BSP_MAX_QUEUE_SIZE),
    },
  };
}

/** The settings that may hold a secret, as they may be logged: of headers their names. */
export function redactTracing(config: TracingConfig): Record<string, unknown> {
  const endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] as const;
  const headers = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] as const;
  const shown = [
    ...endpoints.map((name) => [name, config[name] && redactUrls(config[name])] as const),
    ...headers.map((name) => [name, config[name] && Object.keys(pairsOf(config[name]))] as const),
  ];
  return Object.fromEntries(shown.filter(([, value]) => value !== undefined));
}

function pairsOf(text: string | undefined): Readonly<Record<string, string>> {
  return text === undefined ? {} : (keyPairsIn(text) ?? {});
}
