import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Trouble } from "../../../bench/trouble.ts";
import { exitNumber, exitOf, spawnKept } from "../../../local/child.ts";
import { programOnPath } from "../../../local/program.mjs";
import { areNetworkToolsHere } from "../../../setup/network-tools.mjs";

/**
 * All hosts live in a network and a mount namespace that one process and its children have to themselves. The
 * kernel removes both with the last of these processes: whatever ends them, nothing of a run is left, and no
 * other run meets its names or addresses.
 */
const INSIDE = "HOSTS_INSIDE";
const UNSHARE = ["unshare", "--net", "--mount", "--propagation", "private"] as const;

export const isInside = (): boolean => process.env[INSIDE] !== undefined;

/** What a run needs, in the order in which it would be missed. Undefined: all is here. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root: run it as root";
  if (!areNetworkToolsHere()) return "ip and nft are not here: node setup/setup.mjs --hosts installs them";
  if (programOnPath("unshare") === undefined) return "unshare (Debian: util-linux) is not here";
  const tried = spawnSync(UNSHARE[0], [...UNSHARE.slice(1), "ip", "link", "add", "type", "veth"], {
    encoding: "utf8",
  });
  if (tried.status === 0) return undefined;
  return `this system allows no network namespaces: ${(tried.stderr || String(tried.error)).trim()}`;
}

/** Runs a program of this repository again inside such namespaces; resolves with its exit code. */
export async function runInside(file: string, args: readonly string[]): Promise<number> {
  const missing = whatIsMissing();
  if (missing !== undefined) throw new Trouble(missing);
  const own = [...process.execArgv, fileURLToPath(file), ...args];
  const child = spawnKept(UNSHARE[0], [...UNSHARE.slice(1), process.execPath, ...own], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: "1" },
  });
  const exited = exitOf(child);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  if (child.pid === undefined) await once(child, "error");
  return exitNumber(await exited);
}
