import { systemClock } from "../runtime/clock.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/logger.ts";
import { NO_TRACER, type Tracer } from "../runtime/tracer.ts";
import { tracingSetupOf } from "../runtime/tracing-settings.ts";
import { hostsOfUrls } from "../runtime/url-secrets.ts";

/** The tracer of a process; its last spans are sent when the process ends. */
export async function openTracer(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<Tracer> {
  const setup = tracingSetupOf(config);
  if (setup === undefined) return NO_TRACER;
  // Loaded only here: it costs memory and time at the start.
  const { openTracing } = await import("./telemetry/tracing.ts");
  const stores = {
    database: config.MONGODB_DATABASE,
    redis: placeOf(config.REDIS_URL),
    mongodb: placeOf(config.MONGODB_URL),
  };
  const { tracer, close } = await openTracing({ setup, stores, logger, clock: systemClock });
  lifecycle.onRelease("traces", close);
  const { sampler, ratio, protocol } = setup;
  logger.info({ component: "telemetry", sampler, ratio, protocol }, "traces are sent");
  return tracer;
}

/** The host and port of a store that has one of each. */
function placeOf(url: string): Record<string, string | number> {
  const [, host, port] = /^([^,]+?)(?::(\d+))?$/.exec(hostsOfUrls(url).join(",")) ?? [];
  if (host === undefined) return {};
  return { "server.address": host, ...(port === undefined ? {} : { "server.port": Number(port) }) };
}
