import { isIPv6 } from "node:net";
import { checked, oneOf, portOrOff } from "./setting-kinds.ts";

/** The settings of where a process listens; `listeners.ts` says what it serves there. */
export const listenerSettings = {
  HOST: checked(hostTrouble).default("127.0.0.1"),
  PORT: portOrOff.default(8080),
  GRPC_PORT: portOrOff.optional(),
  OPERATORS_HOST: checked(hostTrouble).optional(),
  OPERATORS_PORT: portOrOff.optional(),
  OPERATORS_GRPC_PORT: portOrOff.optional(),
  GRPC_REFLECTION: oneOf(["on", "off"]).default("off"),
  OPERATORS_GRPC_REFLECTION: oneOf(["on", "off"]).optional(),
  HEALTH_HOST: checked(hostTrouble).optional(),
  HEALTH_PORT: portOrOff.optional(),
};

/** Accepts what can be bound and resolved; a wrong host is reported before anything is started. */
function hostTrouble(text: string): string | undefined {
  const isHost = /^[\p{L}\p{N}._-]{1,253}$/u.test(text) || isIPv6(text);
  return isHost ? undefined : "must be a host name or an IP address, without scheme, port and [ ]";
}
