import type { RequestListener } from "node:http";
import { CONNECTION_DEFAULTS } from "../../runtime/connection-settings.ts";
import type { BoundConnections, ConnectionLimits } from "./connection-limits.ts";

/** Of a server without settings of its own. */
export const CONNECTION_LIMITS: ConnectionLimits = { ...CONNECTION_DEFAULTS, isProxy: () => false };

const notFound: RequestListener = (_, response) => void response.writeHead(404).end();

/**
 * A server that listens on loopback for this process alone: the bounds for callers do not concern it, no
 * metric counts what it cuts off, and it is no door to the other services.
 */
export const SPARE: BoundConnections & { readonly otherwise: RequestListener } = {
  ...{ limits: CONNECTION_LIMITS, noteCut: () => undefined, otherwise: notFound },
};
