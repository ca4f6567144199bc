import type { Server as NetServer } from "node:net";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import {
  type Front,
  frontsOf,
  type Listener,
  type ListenerAddresses,
  type ListenerName,
  listenersOf,
} from "../runtime/listeners.ts";
import { tlsFilesOf } from "../runtime/tls-settings.ts";
import { type App, type AppDeps, buildApp } from "./app.ts";
import { createCloseTransports } from "./http/close-transports.ts";
import { type BoundConnections, connectionLimitsOf } from "./http/connection-limits.ts";
import { type Drain, prepareHttp2Drain, prepareHttpDrain } from "./http/drain.ts";
import { listen, urlOf } from "./http/listen.ts";
import { openTlsFiles, watchTlsFiles } from "./http/tls-files.ts";
import { createTlsFront } from "./http/tls-front.ts";

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

/** The servers of a front, ready to listen. */
type Ready = {
  readonly listeners: readonly { readonly at: Listener; readonly server: NetServer }[];
  readonly drains: readonly Drain[];
  readonly scheme: "http" | "https";
};

/**
 * Serves callers and operators, each on the ports of the settings; a front has turns of its own, so that
 * operators do not wait behind a crowd at the public port.
 * @throws UserError when a port is taken, or a file of TLS is wrong
 */
export async function startTransports(deps: TransportsDeps): Promise<ListenerAddresses> {
  const { config, lifecycle, ending, clock, logger } = deps;
  const connections = connectionLimitsOf(config, listenersOf(config).length);
  const fronts: Ready[] = [];
  for (const front of frontsOf(config)) {
    const app = buildApp({
      ...{ ...deps, parts: front.parts, connections, keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS },
      ...{ stopping: ending.stopping.signal, draining: ending.draining.signal },
    });
    const noteCut: BoundConnections["noteCut"] = (why) => deps.metrics.cuts.inc({ why });
    fronts.push(
      (await behindTls(app, front, { limits: connections, noteCut }, deps)) ?? plain(app, front, deps),
    );
  }
  let isServing = false;
  const closeTransports = createCloseTransports({
    ...{ ...ending, clock, logger, isServing: () => isServing },
    drains: fronts.flatMap(({ drains }) => drains),
    delayMs: config.SHUTDOWN_DELAY_MS,
    // The transports get half of the time, so that the parts behind them can end in order too.
    patienceMs: config.DRAIN_DEADLINE_MS / 2,
  });
  lifecycle.onRelease("transports", closeTransports);
  const addresses: { [name in ListenerName]?: string } = {};
  for (const { listeners, scheme } of fronts)
    for (const { at, server } of listeners)
      addresses[at.name] = urlOf(at.host, await listen(server, at), scheme);
  isServing = true;
  return addresses;
}

/** Each protocol on a port of its own. */
function plain({ http, inFlight, grpc, grpcSessions }: App, front: Front, { clock }: TransportsDeps): Ready {
  return {
    listeners: [
      { at: front.http, server: http },
      ...(front.grpc === undefined ? [] : [{ at: front.grpc, server: grpc }]),
    ],
    drains: [prepareHttpDrain(http, inFlight, clock), prepareHttp2Drain(grpc, grpcSessions, clock)],
    scheme: "http",
  };
}

/** Both protocols on every port; undefined: the settings name no certificate. */
async function behindTls(
  { http, inFlight, grpc, grpcSessions }: App,
  front: Front,
  bounded: BoundConnections,
  { config, lifecycle, clock, logger }: TransportsDeps,
): Promise<Ready | undefined> {
  const files = tlsFilesOf(config, !front.parts.includes("public"));
  const credentials = await openTlsFiles(files);
  if (files === undefined || credentials === undefined) return undefined;
  const ats = [front.http, front.grpc].filter((at) => at !== undefined);
  const ports = ats.map(() => createTlsFront({ http, grpc, credentials, bounded, clock }));
  const servers = ports.map(({ server }) => server);
  const watch = watchTlsFiles({
    ...{ files, first: credentials, clock, logger: logger.child({ component: "server" }) },
    renew: (renewed) => {
      for (const port of ports) port.renew(renewed);
    },
  });
  lifecycle.onRelease("watch of TLS files", () => watch.stop());
  return {
    listeners: ats.map((at, index) => ({ at, server: servers[index] as NetServer })),
    drains: [
      prepareHttpDrain(http, inFlight, clock, servers),
      prepareHttp2Drain(grpc, grpcSessions, clock, servers),
      ...ports.map(({ drainHandshakes }) => drainHandshakes),
    ],
    scheme: "https",
  };
}
