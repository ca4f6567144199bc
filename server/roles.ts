import { createGenerator } from "../generator/generator.ts";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/logger.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { createMetrics } from "../runtime/metrics.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { createBusyCampaigns } from "./heartbeat/busy-campaigns.ts";
import { createHeartbeat } from "./heartbeat/heartbeat.ts";
import { connectionLimitsOf } from "./http/connection-limits.ts";
import { serveHealth } from "./http/health.ts";
import { startSchedulerRole } from "./scheduler-role.ts";
import { type Addresses, startServerRole } from "./server-role.ts";
import { createSharedParts } from "./shared-parts.ts";
import type { MetricsPage } from "./workers/metrics-page.ts";

/** The base URL of the health pages of a process without the server role. */
export type HealthAddress = { readonly health: string };

/** The number of a worker slot (undefined: a process without workers), and what its /metrics answers with. */
export type WorkerSlot = { readonly worker: number | undefined; readonly metricsPage: MetricsPage };

const ALONE: WorkerSlot = { worker: undefined, metricsPage: (own) => () => own().metrics() };

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
  slot: WorkerSlot = ALONE,
): Promise<Addresses | HealthAddress> {
  const metrics = createMetrics();
  const health = config.ROLES.includes("server")
    ? undefined
    : await serveHealth({
        ...{ host: config.HOST, port: config.HEALTH_PORT, logger, metrics, lifecycle },
        connections: connectionLimitsOf(config, 1),
      });
  const parts = await createSharedParts(config, logger, lifecycle, metrics);

  let scheduler: Scheduler | undefined;
  const heartbeat = createHeartbeat({
    ...parts,
    roles: config.ROLES,
    claims: config.ROLES.includes("server")
      ? { auth: config.CLAIM_AUTH, reachable: !isLoopback(config.HOST) }
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
  if (health === undefined) return startServerRole(config, parts, lifecycle, slot.metricsPage);
  health.started();
  return { health: health.url };
}
