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
import { type Drain, type DrainLimits, prepareHttp2Drain, prepareHttpDrain } from "./http/drain.ts";
import { listen, urlOf } from "./http/listen.ts";
import { createProxyFront, type ProxyFrontDeps } from "./http/proxy-front.ts";
import { openTlsFiles, watchTlsFiles } from "./http/tls-files.ts";
import { createTlsFront } from "./http/tls-front.ts";

/** What the transports are made of, apart from what the settings decide. */
export type TransportsDeps = Omit<
  AppDeps,
  "parts" | "connections" | "keepAliveTimeoutMs" | "stopping" | "draining"
> & {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  /** Called with what makes spare servers of the front for callers. */
  readonly onSpare?: (spare: App["spare"]) => void;
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
  const bounded: BoundConnections = {
    limits: connections,
    noteCut: (why) => deps.metrics.cuts.inc({ why }),
  };
  const fronts: Ready[] = [];
  for (const front of frontsOf(config)) {
    const app = buildApp({
      ...{ ...deps, parts: front.parts, connections, keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS },
      launchPage: config.PUBLIC_LAUNCH_PAGE === "on",
      reflects: reflectsAt(front, config),
      ...{ stopping: ending.stopping.signal, draining: ending.draining.signal },
    });
    if (front.parts.includes("public")) deps.onSpare?.(app.spare);
    const ready = (await behindTls(app, front, bounded, deps)) ?? plain(app, front, bounded, deps);
    // The servers behind a port with TLS or the PROXY protocol get a connection only once it has spoken.
    for (const { server } of ready.listeners) app.connecting.watch(server);
    fronts.push(ready);
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

/** Whether the gRPC port of a front tells tools its contract: the operators' own one has its own setting. */
function reflectsAt({ parts }: Front, { GRPC_REFLECTION, OPERATORS_GRPC_REFLECTION }: Config): boolean {
  const ofOperators = OPERATORS_GRPC_REFLECTION ?? GRPC_REFLECTION;
  return (parts.includes("public") ? GRPC_REFLECTION : ofOperators) === "on";
}

/** Each protocol on a port of its own. */
function plain(app: App, front: Front, bounded: BoundConnections, deps: TransportsDeps): Ready {
  const { http, inFlight, grpc, grpcSessions } = app;
  const { clock } = deps;
  const web = behindProxy(http, front, { allowHalfOpen: true, bounded }, deps);
  const rpc = behindProxy(grpc, front, { allowHalfOpen: false, bounded }, deps);
  return {
    listeners: [
      { at: front.http, server: web.server },
      ...(front.grpc === undefined ? [] : [{ at: front.grpc, server: rpc.server }]),
    ],
    drains: [
      prepareHttpDrain(http, inFlight, clock, [web.server]),
      prepareHttp2Drain(grpc, grpcSessions, clock, [rpc.server]),
      ...[...web.drains, ...rpc.drains],
    ],
    scheme: "http",
  };
}

/** Both protocols on every port; undefined: the settings name no certificate. */
async function behindTls(
  { http, inFlight, grpc, grpcSessions }: App,
  front: Front,
  bounded: BoundConnections,
  deps: TransportsDeps,
): Promise<Ready | undefined> {
  const { config, lifecycle, clock, logger } = deps;
  const files = tlsFilesOf(config, !front.parts.includes("public"));
  const credentials = await openTlsFiles(files);
  if (files === undefined || credentials === undefined) return undefined;
  const ports = [front.http, front.grpc]
    .filter((at) => at !== undefined)
    .map((at) => {
      const tls = createTlsFront({ http, grpc, credentials, bounded, clock });
      return { at, tls, ...behindProxy(tls.server, front, { allowHalfOpen: false, bounded }, deps) };
    });
  const servers = ports.map(({ server }) => server);
  const watch = watchTlsFiles({
    ...{ files, first: credentials, clock, logger: logger.child({ component: "server" }) },
    renew: (renewed) => {
      for (const { tls } of ports) tls.renew(renewed);
    },
  });
  lifecycle.onRelease("watch of TLS files", () => watch.stop());
  return {
    listeners: ports,
    drains: [
      prepareHttpDrain(http, inFlight, clock, servers),
      prepareHttp2Drain(grpc, grpcSessions, clock, servers),
      ...ports.flatMap(({ tls, server, drains }) => [
        (limits: DrainLimits) => tls.drainHandshakes(limits, server),
        ...drains,
      ]),
    ],
    scheme: "https",
  };
}

/**
 * The server itself or, for callers, a port in front of it that reads what trusted proxies declare. Not for
 * operators on a port of their own: they may call from the machine of the proxy.
 */
function behindProxy(
  behind: NetServer,
  { parts }: Front,
  options: Pick<ProxyFrontDeps, "allowHalfOpen" | "bounded">,
  { config, clock }: TransportsDeps,
): { readonly server: NetServer; readonly drains: readonly Drain[] } {
  if (config.PROXY_PROTOCOL === "off" || !parts.includes("public")) return { server: behind, drains: [] };
  const { server, drainHeaders } = createProxyFront({ behind, clock, ...options });
  return { server, drains: [drainHeaders] };
}
