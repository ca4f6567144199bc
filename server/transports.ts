import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { frontsOf, type ListenerAddresses, type ListenerName, listenersOf } from "../runtime/listeners.ts";
import { type AppDeps, buildApp } from "./app.ts";
import { createCloseTransports } from "./http/close-transports.ts";
import { connectionLimitsOf } from "./http/connection-limits.ts";
import { prepareHttp2Drain, prepareHttpDrain } from "./http/drain.ts";
import { listen, urlOf } from "./http/listen.ts";

/** What the transports are made of, apart from what the settings decide. */
export type TransportsDeps = Omit<
  AppDeps,
  "parts" | "connections" | "keepAliveTimeoutMs" | "stopping" | "draining"
> & {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  /** Aborted when the transports close. */
  readonly ending: { readonly stopping: AbortController; readonly draining: AbortController };
};

/**
 * Serves callers and operators, each on the ports of the settings; a front has turns of its own, so that
 * operators do not wait behind a crowd at the public port.
 * @throws UserError when a port is taken
 */
export async function startTransports(deps: TransportsDeps): Promise<ListenerAddresses> {
  const { config, lifecycle, ending, clock, logger } = deps;
  const connections = connectionLimitsOf(config, listenersOf(config).length);
  const transports = frontsOf(config).flatMap(({ parts, http, grpc }) => {
    const app = buildApp({
      ...{ ...deps, parts, connections, keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS },
      ...{ stopping: ending.stopping.signal, draining: ending.draining.signal },
    });
    return [
      { at: http, server: app.http, drain: prepareHttpDrain(app.http, app.inFlight, clock) },
      { at: grpc, server: app.grpc, drain: prepareHttp2Drain(app.grpc, app.grpcSessions, clock) },
    ];
  });
  let isServing = false;
  const closeTransports = createCloseTransports({
    ...{ ...ending, clock, logger, isServing: () => isServing },
    drains: transports.map(({ drain }) => drain),
    delayMs: config.SHUTDOWN_DELAY_MS,
    // The transports get half of the time, so that the parts behind them can end in order too.
    patienceMs: config.DRAIN_DEADLINE_MS / 2,
  });
  lifecycle.onRelease("transports", closeTransports);
  const addresses: { [name in ListenerName]?: string } = {};
  for (const { at, server } of transports) {
    if (at === undefined) continue;
    addresses[at.name] = urlOf(at.host, await listen(server, at));
  }
  isServing = true;
  return addresses;
}
