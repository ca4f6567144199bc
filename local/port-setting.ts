import { LocalStackError } from "./store.ts";

const PORT_MAX = 65_535;

/** A port from the environment; 0 when it is not set: any free one. @throws LocalStackError naming the variable */
export function portFrom(env: Readonly<Record<string, string | undefined>>, name: string): number {
  const text = env[name] || "0";
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) {
    throw new LocalStackError(`${name} must be a port number (0 to ${PORT_MAX}), not "${text}"`);
  }
  return port;
}
