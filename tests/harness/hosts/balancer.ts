import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endChild, hasExited, spawnKept } from "../../../local/child.ts";
import { until } from "../../../local/poll.ts";
import { repositoryDir } from "../../../local/repository.ts";
import { haproxyProgram } from "../../../setup/haproxy.mjs";
import { haproxyConfiguration } from "../../support/haproxy.ts";
import { HANG_MS } from "../../support/patience.ts";
import { HOSTS, type HostName, type Network } from "./network.ts";
import { SERVER_HOSTS } from "./server-host.ts";

/** Debian's haproxy on a host of its own, with the configuration that is shipped. */
export type Balancer = {
  readonly callersUrl: string;
  readonly operatorsUrl: string;
  /** How many servers it sends requests to. */
  serving(): Promise<number>;
  /** Waits until it sends requests to all servers. */
  untilAllServe(): Promise<void>;
  /** Graceful: new processes take over the sockets, the old ones answer what they have. */
  reload(): Promise<void>;
  log(): string;
  close(): Promise<void>;
};

const HEALTH_PORT = 8_404;
const PAGE_TIMEOUT_MS = 1_000;

export async function startBalancer(network: Network, dir: string): Promise<Balancer> {
  const program = haproxyProgram();
  if (program === undefined) throw new Error("haproxy is not here: node setup/setup.mjs --hosts");
  const host = network.addressOf("haproxy");
  const shipped = readFileSync(join(repositoryDir, "deploy", "haproxy.cfg"), "utf8");
  const addressOf = (name: string) => {
    if (!HOSTS.includes(name as HostName)) throw new Error(`deploy/haproxy.cfg names ${name}: no such host`);
    return network.addressOf(name as HostName);
  };
  const file = join(dir, "haproxy.cfg");
  writeFileSync(file, haproxyConfiguration(shipped, { addressOf, close: async () => {} }, host));
  const [command = program, ...rest] = [...network.through("haproxy"), program, "-W", "-db", "-f", file];
  const child = spawnKept(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-100_000);
    });
  const page = async (path: string) => {
    const url = `http://${host}:${HEALTH_PORT}${path}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS) });
    return { ok: answer.ok, text: await answer.text() };
  };
  const serving = async () => {
    const { text } = await page("/metrics");
    return [...text.matchAll(/^haproxy_server_status\{proxy="callers",server="[^"]+",state="UP"\} 1/gm)]
      .length;
  };
  const untilAllServe = async () => {
    const isSo = async () => hasExited(child) || (await serving().catch(() => 0)) === SERVER_HOSTS.length;
    if (!(await until(isSo, HANG_MS, 100)) || hasExited(child))
      throw new Error(`haproxy does not serve: ${said}`);
  };
  const close = () => endChild(child, 10_000);
  try {
    await untilAllServe();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    callersUrl: `http://${host}:8080`,
    operatorsUrl: `http://${host}:8081`,
    ...{ serving, untilAllServe },
    async reload() {
      // Two lines of its log: the new process is there, and the one before begins to end.
      const before = said.length;
      child.kill("SIGUSR2");
      const isDone = () => hasExited(child) || /New worker/.test(said.slice(before));
      if (!(await until(isDone, HANG_MS, 20)) || hasExited(child))
        throw new Error(`haproxy did not reload: ${said}`);
      await untilAllServe();
    },
    log: () => said,
    close,
  };
}
