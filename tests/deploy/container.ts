import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import {
  type ChildExit,
  endChild,
  exitNumber,
  exitOf,
  inheritedEnvironment,
  spawnKept,
} from "../../local/child.ts";
import { haproxyProgram } from "../../setup/haproxy.mjs";
import { haproxyConfiguration } from "../support/haproxy.ts";
import type { LoopbackNetwork } from "../support/loopback-network.ts";
import type { ComposeService } from "./compose-file.ts";
import type { Image } from "./dockerfile.ts";

/**
 * Runs the containers of docker-compose.yml as plain processes. What stands for what:
 *
 * | in a container | here |
 * |---|---|
 * | the name of a service with a port behind it, its fixed address | its loopback address |
 * | 0.0.0.0, 127.0.0.1 | its own loopback address: a container has these for itself |
 * | a file at the target of a secret or config | that file, its addresses changed likewise, in a folder |
 * | the working folder of the image | the tree that the Dockerfile makes |
 * | user 1000 of the image | user 1000, where the tests run as root: it can write nothing of that tree |
 * | redis-server, haproxy | this machine's, with an address and a folder to be told (`PROGRAMS`) |
 */
export type Ground = {
  readonly dir: string;
  readonly network: LoopbackNetwork;
  readonly services: readonly ComposeService[];
  readonly image: Image;
  /** `/` of the image. */
  readonly tree: string;
  /** Where the repository's file is that a secret or config names. */
  fileOf(file: string): string;
};

export type Container = {
  readonly output: () => string;
  readonly exited: Promise<ChildExit>;
  /** SIGTERM; the exit code. */
  stop(deadlineMs: number): Promise<number>;
};

type Placed = { readonly address: string; readonly volume: string };

/** What the entrypoints of images do to a command, and what a network and a volume of its own do. */
const PROGRAMS: Readonly<Record<string, (args: readonly string[], placed: Placed) => string[]>> = {
  "redis-server": (args, { address, volume }) => [
    "redis-server",
    ...args,
    ...["--bind", address, "--bind-source-addr", address, "--dir", volume],
  ],
  haproxy: (args) => [haproxyProgram() ?? "haproxy", "-db", ...args],
};

export function addressOf({ network }: Ground, { name }: ComposeService): string {
  return network.addressOf(name);
}

/** A text of a container with its files and addresses as they are here. */
export function mapped(ground: Ground, service: ComposeService, text: string): string {
  const own = addressOf(ground, service);
  let found = text.replace(/\b(?:0\.0\.0\.0|127\.0\.0\.1)\b/g, own);
  for (const other of ground.services) {
    const address = addressOf(ground, other);
    for (const fixed of other.addresses) found = found.replaceAll(fixed, address);
    found = found.replace(new RegExp(`(?<![\\w.-])${other.name}(?=:\\d)`, "g"), address);
  }
  for (const { target } of service.mounts)
    found = found.replaceAll(target, mountedAt(ground, service, target));
  return found;
}

export function mountedAt({ dir }: Ground, { name }: ComposeService, target: string): string {
  return join(dir, "mounts", name, target);
}

/** Puts the secrets and configs of a service where it looks for them. */
export function mountFiles(ground: Ground, service: ComposeService): void {
  for (const { target, file } of service.mounts) {
    const at = mountedAt(ground, service, target);
    mkdirSync(dirname(at), { recursive: true });
    const shipped = readFileSync(ground.fileOf(file), "utf8");
    const isHaproxy = target.endsWith("haproxy.cfg");
    const own = addressOf(ground, service);
    const text = isHaproxy
      ? haproxyConfiguration(shipped, ground.network, own)
      : mapped(ground, service, shipped);
    writeFileSync(at, text, { mode: 0o444 });
  }
}

/** The environment of a process of a service. */
export function environmentOf(ground: Ground, service: ComposeService): Record<string, string> {
  const all = { ...(service.isOurs ? ground.image.environment : {}), ...service.environment };
  return {
    ...inheritedEnvironment(),
    HOME: volumeOf(ground, service),
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
    ...Object.fromEntries(Object.entries(all).map(([name, value]) => [name, mapped(ground, service, value)])),
  };
}

function volumeOf({ dir }: Ground, { name }: ComposeService): string {
  const volume = join(dir, "volumes", name);
  mkdirSync(volume, { recursive: true });
  return volume;
}

export function startContainer(ground: Ground, service: ComposeService): Container {
  mountFiles(ground, service);
  const own = service.isOurs ? ground.image.command : [];
  const argv = [...(service.entrypoint ?? []), ...(service.command ?? own)];
  return launch(ground, service, argv);
}

/** Whether the healthcheck of a service, or of its image, finds it healthy. */
export async function isHealthy(ground: Ground, service: ComposeService): Promise<boolean> {
  const [kind, ...words] = service.healthcheck ?? (service.isOurs ? ground.image.healthcheck : []);
  if (kind !== "CMD" && kind !== "CMD-SHELL") throw new Error(`${service.name} has no healthcheck`);
  const argv = kind === "CMD" ? words : ["sh", "-c", ...words];
  const { exited } = launch(ground, service, argv);
  return exitNumber(await exited) === 0;
}

function launch(ground: Ground, service: ComposeService, command: readonly string[]): Container {
  const [program = "", ...args] = command.map((word) => mapped(ground, service, word));
  const volume = volumeOf(ground, service);
  const address = addressOf(ground, service);
  const [name = "", ...rest] = PROGRAMS[program]?.(args, { address, volume }) ?? [program, ...args];
  const child = spawnKept(name, rest, {
    cwd: service.isOurs ? join(ground.tree, ground.image.folder) : volume,
    env: environmentOf(ground, service),
    stdio: ["ignore", "pipe", "pipe"],
    ...(service.isOurs ? userOf(ground.image.user) : {}),
  });
  if (child.stdout === null || child.stderr === null) throw new Error(`${name} cannot be started`);
  let said = "";
  const note = (text: string) => {
    said += text;
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", note);
  const exited = exitOf(child);
  return {
    output: () => said,
    exited,
    async stop(deadlineMs) {
      await endChild(child, deadlineMs);
      return exitNumber(await exited);
    },
  };
}

/** The user of the image, where this process may become it and that user can run this Node. */
function userOf(user: string): { uid?: number; gid?: number } {
  const [uid = 0, gid = 0] = user.split(":").map(Number);
  return process.getuid?.() === 0 && isForAll(process.execPath) ? { uid, gid } : {};
}

function isForAll(file: string): boolean {
  const OTHERS_MAY_RUN = 0o001;
  for (let path = file; path !== dirname(path); path = dirname(path))
    if (!existsSync(path) || (statSync(path).mode & OTHERS_MAY_RUN) === 0) return false;
  return true;
}
