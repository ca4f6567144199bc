import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endChild, hasExited, signalChild, spawnKept } from "../../local/child.ts";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { haproxyProgram } from "../../setup/haproxy.mjs";
import type { LoopbackNetwork } from "./loopback-network.ts";
import { HANG_MS } from "./patience.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** Debian's haproxy with the configuration that is shipped. */
export type Haproxy = {
  readonly host: string;
  /** All that it has written. */
  log(): string;
  /** The servers of a backend that it sends requests to. */
  serving(backend: string): Promise<string[]>;
  /** As the process that a reload replaces: it takes no new connection, and ends with its last one. */
  stopSoftly(): void;
  close(): Promise<void>;
};

const SHIPPED = join(repositoryDir, "deploy", "haproxy.cfg");
const HEALTH_PORT = 8404;

/**
 * The configuration as in its container, but for addresses: a container listens on all of its own, and what
 * it sends comes from them; its names are those of the network.
 */
export function haproxyConfiguration(shipped: string, network: LoopbackNetwork, own: string): string {
  return (
    shipped
      .replace(/^( *bind) :(\d+)/gm, `$1 ${own}:$2`)
      .replace(/^( *server \S+) ([\w-]+):(\d+)/gm, (_, server: string, name: string, port: string) => {
        return `${server} ${network.addressOf(name)}:${port}`;
      })
      // This machine may allow fewer open files than docker-compose.yml asks for.
      .replace(/^( *maxconn) \d+$/m, "$1 2000")
      .replace(/^defaults$/m, `defaults\n  source ${own}`)
  );
}

export async function startHaproxy(network: LoopbackNetwork): Promise<Haproxy> {
  const program = haproxyProgram();
  if (program === undefined) throw new Error("haproxy is not here: node setup/setup.mjs --proxy");
  const dir = temporaryDir();
  const host = network.addressOf("haproxy");
  const file = join(dir.path, "haproxy.cfg");
  writeFileSync(file, haproxyConfiguration(readFileSync(SHIPPED, "utf8"), network, host));
  const child = spawnKept(program, ["-db", "-f", file], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  const page = async (path: string) => {
    const answer = await fetch(`http://${host}:${HEALTH_PORT}${path}`);
    return { ok: answer.ok, text: await answer.text() };
  };
  const isReady = () =>
    page("/healthz").then(
      ({ ok }) => ok,
      () => false,
    );
  await until(async () => hasExited(child) || (await isReady()), HANG_MS, 50);
  if (!(await isReady())) throw new Error(`haproxy does not serve: ${said}`);
  return {
    host,
    log: () => said,
    async serving(backend) {
      const { text } = await page("/metrics");
      const up = text.matchAll(/^haproxy_server_status\{proxy="([^"]+)",server="([^"]+)",state="UP"\} 1/gm);
      return [...up].flatMap(([, proxy, server = ""]) => (proxy === backend ? [server] : [])).sort();
    },
    stopSoftly: () => signalChild(child, "SIGUSR1"),
    async close() {
      await endChild(child, 10_000);
      dir.remove();
    },
  };
}
