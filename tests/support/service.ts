import { join } from "node:path";
import { expect } from "chai";
import { builtProduct } from "../../local/built.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import type { ListenerAddresses } from "../../runtime/listeners.ts";
import { OPERATOR_TOKEN } from "./operator-token.ts";
import { HANG_MS } from "./patience.ts";
import { leakIn } from "./quiet-logs.ts";

export type Service = {
  readonly process: ServiceProcess;
  /** The address of Connect, gRPC-Web, JSON and the pages; empty without the server role. */
  readonly url: string;
  /** The address of gRPC (h2c); empty without the server role. */
  readonly grpcUrl: string;
  /** All addresses that its log names. */
  readonly addresses: ListenerAddresses;
};

export type ServiceOptions = {
  /** For example `server,generator`; default: all. */
  readonly roles?: string;
  /** Overrides the environment of the group. */
  readonly env?: Readonly<Record<string, string>>;
};

/** The service processes of one test file, all on the same stores, each on free ports of its own. */
export type Services = {
  /** Resolves when the process has logged that it is ready. */
  start(options?: ServiceOptions): Promise<Service>;
  /** All lines that these processes have written so far. */
  readonly lines: readonly string[];
  /**
   * Ends the processes that still run. Expects that each ends cleanly, and that none wrote a code or a user
   * id to its log.
   */
  end(): Promise<void>;
};

export function createServices(env: Readonly<Record<string, string>>): Services {
  const running: Service[] = [];
  const lines: string[] = [];
  const leaks: string[] = [];

  return {
    lines,
    async start({ roles, env: more } = {}) {
      const child = startService({
        entry: join(await builtProduct(), "server", "main.js"),
        args: roles === undefined ? [] : ["--roles", roles],
        env: { OPERATOR_TOKEN, ...env, PORT: "0", LOG_LEVEL: "trace", LOG_FORMAT: "json", ...more },
        onLine(line) {
          lines.push(line);
          if (leakIn(line)) leaks.push(line);
        },
      });
      const ready = await child.waitForLine((line) => line.includes('"msg":"ready'), HANG_MS);
      const addresses = JSON.parse(ready) as ListenerAddresses;
      const { http = "", grpc = "" } = addresses;
      const service = { process: child, url: http, grpcUrl: grpc, addresses };
      running.push(service);
      return service;
    },
    async end() {
      const codes = await Promise.all(
        running.filter(({ process }) => process.isRunning).map(({ process }) => process.interrupt()),
      );
      expect(
        codes.filter((code) => code !== 0),
        "exit codes of services that were asked to end",
      ).to.deep.equal([]);
      expect(leaks.slice(0, 1), "log lines with a code or a user id, the first of them").to.deep.equal([]);
    },
  };
}
