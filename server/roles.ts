import { createGenerator } from "../generator/generator.ts";
import type { ProcessBeat } from "../record/documents.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { healthListenerOf, type ListenerAddresses } from "../runtime/listeners.ts";
import type { Logger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { claimsReported } from "./claims-reported.ts";
import { startEventsRole } from "./events-role.ts";
import { createBusyCampaigns } from "./heartbeat/busy-campaigns.ts";
import { createHeartbeat } from "./heartbeat/heartbeat.ts";
import { connectionLimitsOf } from "./http/connection-limits.ts";
import { type HealthAt, serveHealth } from "./http/health.ts";
import { servingOf, startIsolationWatch } from "./isolation.ts";
import { createReadiness } from "./readiness/readiness.ts";
import { createStoreReach } from "./readiness/store-reach.ts";
import { startSchedulerRole } from "./scheduler-role.ts";
import { startServerRole } from "./server-role.ts";
import { createSharedParts } from "./shared-parts.ts";
import { openTracer } from "./tracer.ts";
import { createBusyElsewhere } from "./watch/busy-elsewhere.ts";
import { createProcessLook } from "./watch/process-look.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/**
 * Connects the stores and starts the roles of the configuration. Each part registers its release: the
 * transports close first, then the workers, then the claims under way end, then the connections to the
 * stores.
 * @throws UserError when a store is absent or a port is taken
 */
export async function startRoles(
  config: Config,
  logger: Logger,
  lifecycle: Lifecycle,
  slot: WorkerSlot,
): Promise<ListenerAddresses> {
  const metrics = createMetrics();
  const isServer = config.ROLES.includes("server");
  const at = healthAtOf(config);
  const connections = connectionLimitsOf(config, 1);
  const reach = createStoreReach(systemClock);
  const readiness = createReadiness({ reach, isEnding: lifecycle.releasing, clock: systemClock, logger });
  const health =
    at === undefined
      ? undefined
      : await serveHealth({ at, connections, logger, metrics, lifecycle, readiness });
  const tracer = await openTracer(config, logger, lifecycle);
  const parts = await createSharedParts(config, logger, lifecycle, { metrics, tracer });

  let scheduler: Scheduler | undefined;
  let serving: ProcessBeat["serving"];
  const heartbeat = createHeartbeat({
    ...parts,
    roles: config.ROLES,
    claims: claimsReported(config),
    worker: slot.worker,
    sinceTickMs: () => scheduler?.sinceTickMs(),
    campaigns: createBusyCampaigns(parts.tally, parts.rehearsals),
    serving: () => (readiness.status() === "ready" ? serving : undefined),
    ask: reach.ask,
  });
  lifecycle.onRelease("heartbeat", () => heartbeat.stop());
  heartbeat.start();

  if (config.ROLES.includes("generator")) {
    const look = createProcessLook(parts.processes, systemClock);
    const isBusy = createBusyElsewhere(look, undefined, systemClock);
    const generator = createGenerator({ ...parts, isBusy });
    lifecycle.onRelease("generator", () => generator.stop());
    generator.start();
  }
  if (config.ROLES.includes("scheduler")) scheduler = startSchedulerRole(parts, lifecycle);
  if (config.ROLES.includes("events")) startEventsRole(config, parts, lifecycle);
  const served = isServer ? await startServerRole(config, parts, lifecycle, slot, readiness) : undefined;
  const addresses = { ...served?.addresses, ...(health === undefined ? {} : { health: health.url }) };
  if (served !== undefined) {
    serving = servingOf(config, addresses);
    health?.setMetricsPage(served.metricsPage);
    startIsolationWatch({ parts, reach, readiness, serving }, lifecycle);
  }
  readiness.started();
  return addresses;
}

/** undefined: the pages are on a port of the server role, or off. */
function healthAtOf(config: Config): HealthAt | undefined {
  const given = healthListenerOf(config);
  if (given !== undefined || config.HEALTH_PORT === "off" || config.ROLES.includes("server")) return given;
  const { HOST, HEALTH_HOST } = config;
  const hostSetting = HEALTH_HOST === undefined ? "HOST" : "HEALTH_HOST";
  return { host: HEALTH_HOST ?? HOST, hostSetting, setting: "HEALTH_PORT", port: undefined };
}
