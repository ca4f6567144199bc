/** Where a process listens, and what it serves there: pure decisions about the settings of ports. */

/** The settings that mean nothing to a process without the server role. */
export const SERVER_PORTS = ["PORT", "GRPC_PORT", "OPERATORS_PORT", "OPERATORS_GRPC_PORT"] as const;

/** `off`: this process does not listen there. */
export type PortChoice = number | "off";

/** CouponService, CampaignService, and the pages `/healthz`, `/readyz` and `/metrics`. */
export type ServicePart = "public" | "operators" | "pages";

export type ListenerName = "http" | "grpc" | "operators" | "operatorsGrpc" | "health";

/** An address on which a process listens. */
export type Listener = {
  readonly name: ListenerName;
  readonly host: string;
  readonly hostSetting: "HOST" | "OPERATORS_HOST" | "HEALTH_HOST";
  /** 0: any free one. */
  readonly port: number;
  readonly setting: (typeof SERVER_PORTS)[number] | "HEALTH_PORT";
};

/** The base URLs of a process, or of a group of workers. */
export type ListenerAddresses = { readonly [name in ListenerName]?: string };

/** Listeners of the server role that serve the same parts of the service. */
export type Front = {
  readonly parts: readonly ServicePart[];
  readonly http: Listener;
  /** undefined: no port for gRPC alone. */
  readonly grpc: Listener | undefined;
};

export type ListenerConfig = {
  readonly HOST: string;
  readonly PORT: PortChoice;
  readonly GRPC_PORT: PortChoice;
  readonly OPERATORS_HOST?: string | undefined;
  readonly OPERATORS_PORT?: PortChoice | undefined;
  readonly OPERATORS_GRPC_PORT?: PortChoice | undefined;
  readonly HEALTH_HOST?: string | undefined;
  readonly HEALTH_PORT?: PortChoice | undefined;
};

const GRPC_OFFSET = 1_000;
const PORT_MAX = 65_535;
const ANY_HOST = ["0.0.0.0", "::"];

/** GRPC_PORT where it is not set: with TLS, PORT serves both protocols. */
export function grpcPortBeside(port: PortChoice, hasTls: boolean): PortChoice {
  if (hasTls) return "off";
  return port === "off" || port === 0 ? port : Math.min(PORT_MAX, port + GRPC_OFFSET);
}

/** The public front and that of the operators; one front where operators have no port of their own. */
export function frontsOf(config: ListenerConfig): Front[] {
  const { OPERATORS_PORT } = config;
  const isApart = OPERATORS_PORT !== undefined;
  const http = listenerAt(config, "http", "PORT");
  const operators = listenerAt(config, "operators", "OPERATORS_PORT");
  const grpc = listenerAt(config, "grpc", "GRPC_PORT");
  const operatorsGrpc = listenerAt(config, "operatorsGrpc", "OPERATORS_GRPC_PORT");
  // Where the pages have no port of their own, they are on the first that there is.
  const pages: readonly ServicePart[] = config.HEALTH_PORT === undefined ? ["pages"] : [];
  const fronts: Front[] = [];
  if (http !== undefined)
    fronts.push({ parts: ["public", ...(isApart ? [] : (["operators"] as const)), ...pages], http, grpc });
  if (operators !== undefined) {
    const parts: readonly ServicePart[] = ["operators", ...(http === undefined ? pages : [])];
    fronts.push({ parts, http: operators, grpc: operatorsGrpc });
  }
  return fronts;
}

/** undefined: the pages have no port of their own that the settings name. */
export function healthListenerOf(config: ListenerConfig): Listener | undefined {
  return listenerAt(config, "health", "HEALTH_PORT");
}

/** All listeners of a process with the server role. */
export function listenersOf(config: ListenerConfig): Listener[] {
  const all = [...frontsOf(config).flatMap(({ http, grpc }) => [http, grpc]), healthListenerOf(config)];
  return all.filter((listener) => listener !== undefined);
}

/** Where CampaignService is served; undefined: nowhere. */
export function operatorsListenerOf(config: ListenerConfig): Listener | undefined {
  return frontsOf(config).find(({ parts }) => parts.includes("operators"))?.http;
}

/** What is wrong with the settings together, for a process with the server role; undefined: nothing. */
export function listenersTrouble(config: ListenerConfig): string | undefined {
  const { PORT, GRPC_PORT, OPERATORS_PORT, OPERATORS_GRPC_PORT } = config;
  const isPort = (choice: PortChoice | undefined) => typeof choice === "number";
  if (PORT === "off" && !isPort(OPERATORS_PORT))
    return "PORT is off, so OPERATORS_PORT must be a port: a process with the server role serves one of them";
  if (PORT === "off" && isPort(GRPC_PORT)) return "PORT is off, so GRPC_PORT must be off, too, or not set";
  if (isPort(OPERATORS_GRPC_PORT) && !isPort(OPERATORS_PORT))
    return "OPERATORS_GRPC_PORT needs OPERATORS_PORT: without it operators are served on GRPC_PORT";
  if (config.OPERATORS_HOST !== undefined && OPERATORS_PORT === undefined)
    return "OPERATORS_HOST needs OPERATORS_PORT: without it operators are served on HOST and PORT";
  const listeners = listenersOf(config);
  for (const [index, one] of listeners.entries())
    for (const other of listeners.slice(0, index))
      if (clash(one, other)) return `${one.setting} must differ from ${other.setting} (${other.port})`;
  return undefined;
}

function listenerAt(
  config: ListenerConfig,
  name: ListenerName,
  setting: Listener["setting"],
): Listener | undefined {
  const port = config[setting];
  if (port === undefined || port === "off") return undefined;
  const hostSetting = setting.startsWith("OPERATORS")
    ? "OPERATORS_HOST"
    : setting === "HEALTH_PORT"
      ? "HEALTH_HOST"
      : "HOST";
  const own = config[hostSetting];
  return {
    name,
    setting,
    port,
    host: own ?? config.HOST,
    hostSetting: own === undefined ? "HOST" : hostSetting,
  };
}

/** Two names may be one address; the start finds that out when it listens. */
function clash(one: Listener, other: Listener): boolean {
  const isSame = one.host === other.host || [one, other].some(({ host }) => ANY_HOST.includes(host));
  return one.port !== 0 && one.port === other.port && isSame;
}
