import type { AddressInfo, Server as NetServer } from "node:net";
import type { Listener } from "../../runtime/listeners.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";

/** The part of a Listener that says where it is. */
export type ListenAt = Pick<Listener, "host" | "port" | "setting" | "hostSetting">;

/** The address that a person can open; an IPv6 address goes in [ ]. */
export function urlOf(host: string, port: number, scheme: "http" | "https" = "http"): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Listens; resolves with the port really taken (for port 0 any free one).
 * @throws UserError when the address is taken or not of this machine; it names the setting to change
 */
export function listen(server: NetServer, at: ListenAt): Promise<number> {
  const { host, port, setting, hostSetting } = at;
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const flag = `--${setting.toLowerCase().replaceAll("_", "-")}`;
      const why =
        error.code === "EADDRINUSE"
          ? `port ${port} on ${host} is taken by another process: end it, or choose another port with ${setting} or ${flag}`
          : error.code === "EACCES"
            ? `port ${port} needs rights that this process does not have: choose one above 1023 with ${setting}`
            : `configuration: ${hostSetting}: ${host} is no address of this machine (${error.code ?? error.message}): it must be one, or 0.0.0.0 or :: for all`;
      const ofPort = ["EADDRINUSE", "EACCES"].includes(error.code ?? "");
      reject(new UserError(why, ofPort ? EXIT.portTaken : EXIT.configuration, { cause: error }));
    });
    server.listen({ host, port, backlog: 4_096 }, () => resolve((server.address() as AddressInfo).port));
  });
}
