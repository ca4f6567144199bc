import { createGenerator } from "../generator/generator.ts";
import type { ClaimLimits } from "../record/documents.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { healthListenerOf, type ListenerAddresses } from "../runtime/listeners.ts";
import type { Logger } from "../runtime/logger.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { createMetrics } from "../runtime/metrics.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { createBusyCampaigns } from "./heartbeat/busy-campaigns.ts";
import { createHeartbeat } from "./heartbeat/heartbeat.ts";
import { connectionLimitsOf } from "./http/connection-limits.ts";
import { type HealthAt, serveHealth } from "./http/health.ts";
import { startSchedulerRole } from "./scheduler-role.ts";
import { startServerRole } from "./server-role.ts";
import { createSharedParts } from "./shared-parts.ts";
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
  const health =
    at === undefined ? undefined : await serveHealth({ at, connections, logger, metrics, lifecycle });
  const parts = await createSharedParts(config, logger, lifecycle, metrics);

  let scheduler: Scheduler | undefined;
  const heartbeat = createHeartbeat({
    ...parts,
    roles: config.ROLES,
    claims:
      isServer && config.PORT !== "off"
        ? { auth: config.CLAIM_AUTH, reachable: !isLoopback(config.HOST), limits: limitsOf(config) }
        : undefined,
    worker: slot.worker,
    sinceTickMs: () => scheduler?.sinceTickMs(),
    campaigns: createBusyCampaigns(parts.tally, parts.rehearsals),
  });
  lifecycle.onRelease("heartbeat", () => heartbeat.stop());
  heartbeat.start();

  if (config.ROLES.includes("generator")) {
    const generator = createGenerator(parts);
    lifecycle.onRelease("generator", () => generator.stop());
    generator.start();
  }
  if (config.ROLES.includes("scheduler")) scheduler = startSchedulerRole(parts, lifecycle);
  const served = isServer ? await startServerRole(config, parts, lifecycle, slot) : undefined;
  health?.started(served?.metricsPage);
  return { ...served?.addresses, ...(health === undefined ? {} : { health: health.url }) };
}

function limitsOf({ LIMIT_USER, LIMIT_ADDRESS, LIMIT_KEY, LIMITS_SHARED }: Config): ClaimLimits {
  return { user: LIMIT_USER, address: LIMIT_ADDRESS, key: LIMIT_KEY, shared: LIMITS_SHARED === "on" };
}

/** undefined: the pages are on a port of the server role, or off. */
function healthAtOf(config: Config): HealthAt | undefined {
  const given = healthListenerOf(config);
  if (given !== undefined || config.HEALTH_PORT === "off" || config.ROLES.includes("server")) return given;
  const { HOST, HEALTH_HOST } = config;
  const hostSetting = HEALTH_HOST === undefined ? "HOST" : "HEALTH_HOST";
  return { host: HEALTH_HOST ?? HOST, hostSetting, setting: "HEALTH_PORT", port: undefined };
}
