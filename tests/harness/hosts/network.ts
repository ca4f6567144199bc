import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { text } from "node:stream/consumers";

/** The hosts, and the last number of the address of each. */
const NUMBERS = {
  callers: 5,
  haproxy: 10,
  "server-1": 11,
  "server-2": 12,
  "server-3": 13,
  redis: 21,
  mongodb: 22,
} as const;

export type HostName = keyof typeof NUMBERS;
export const HOSTS = Object.keys(NUMBERS) as readonly HostName[];

const PREFIX = "10.77.0";
/** The bridge's own address: this process looks at all hosts from here, and is never cut off. */
const WATCHER = `${PREFIX}.1`;
const BRIDGE = "bridge";

/** A host that loses its link, or drops packets: as a switch, a cable or a firewall would make it. */
export type Network = {
  addressOf(host: HostName): string;
  /** Put before a command, runs it on the host. */
  through(host: HostName): readonly string[];
  /** From now on neither of the two gets a packet of the other; neither is told. */
  cut(one: HostName, other: HostName): Promise<void>;
  /** Takes the link of the host away; all others go on. */
  unplug(host: HostName): Promise<void>;
  /** From now on each host drops this part of the packets that other hosts send it, at random. */
  lose(percent: number): Promise<void>;
  /** Ends all of these faults. */
  heal(): Promise<void>;
  /** Packets that the kernel has dropped since the start, by the rules of `cut` and of `lose`. */
  dropped(): Promise<{ readonly cut: number; readonly lost: number }>;
};

/** Drops what arrives, not what is sent: a packet that nothing answers, as on a broken way. */
const TABLE = `
table inet faults {
  counter cut { }
  counter lost { }
  chain cuts { type filter hook input priority 0; }
  chain losses { type filter hook input priority 1; }
}`;

/** Lays the hosts into the namespaces of this process (see own-network.ts). */
export async function layNetwork(): Promise<Network> {
  // Over the machine's /run, for this process and its children alone: `ip netns` keeps its names there.
  await run(["mount", "-t", "tmpfs", "hosts", "/run"]);
  mkdirSync("/run/netns");
  await run(["ip", "link", "set", "lo", "up"]);
  await run(["ip", "link", "add", BRIDGE, "type", "bridge"]);
  await run(["ip", "address", "add", `${WATCHER}/24`, "dev", BRIDGE]);
  await run(["ip", "link", "set", BRIDGE, "up"]);
  await Promise.all(HOSTS.map(layHost));
  const unplugged = new Set<HostName>();
  const rule = (host: HostName, words: string) => run([...through(host), "nft", "-f", "-"], words);
  const drop = (on: HostName, from: HostName) =>
    rule(on, `add rule inet faults cuts ip saddr ${addressOf(from)} counter name cut drop`);
  return {
    ...{ addressOf, through },
    async cut(one, other) {
      await Promise.all([drop(one, other), drop(other, one)]);
    },
    async unplug(host) {
      unplugged.add(host);
      await run(["ip", "link", "set", cableOf(host), "down"]);
    },
    async lose(percent) {
      const words = `iifname "eth0" ip saddr != ${WATCHER} numgen random mod 100 < ${percent}`;
      await Promise.all(
        HOSTS.map((host) => rule(host, `add rule inet faults losses ${words} counter name lost drop`)),
      );
    },
    async heal() {
      for (const host of unplugged) await run(["ip", "link", "set", cableOf(host), "up"]);
      unplugged.clear();
      const words = "flush chain inet faults cuts; flush chain inet faults losses";
      await Promise.all(HOSTS.map((host) => rule(host, words)));
    },
    async dropped() {
      const all = await Promise.all(HOSTS.map(countersOf));
      const sum = (name: "cut" | "lost") => all.reduce((total, counters) => total + counters[name], 0);
      return { cut: sum("cut"), lost: sum("lost") };
    },
  };
}

const addressOf = (host: HostName): string => `${PREFIX}.${NUMBERS[host]}`;
const through = (host: HostName): readonly string[] => ["ip", "netns", "exec", host];
/** The bridge's end of the host's link. */
const cableOf = (host: HostName): string => `to-${host}`;

async function layHost(host: HostName): Promise<void> {
  await run(["ip", "netns", "add", host]);
  await run(["ip", "link", "add", cableOf(host), "type", "veth", "peer", "name", "eth0", "netns", host]);
  await run(["ip", "link", "set", cableOf(host), "master", BRIDGE, "up"]);
  const own = ["ip", "-n", host];
  await run([...own, "address", "add", `${addressOf(host)}/24`, "dev", "eth0"]);
  await run([...own, "link", "set", "lo", "up"]);
  await run([...own, "link", "set", "eth0", "up"]);
  await run([...through(host), "nft", "-f", "-"], TABLE);
}

type Counters = { readonly nftables: readonly { counter?: { name: string; packets: number } }[] };

async function countersOf(host: HostName): Promise<{ cut: number; lost: number }> {
  const told = await run([...through(host), "nft", "--json", "list", "counters", "table", "inet", "faults"]);
  const { nftables } = JSON.parse(told) as Counters;
  const of = (name: string) => nftables.find(({ counter }) => counter?.name === name)?.counter?.packets;
  return { cut: of("cut") ?? 0, lost: of("lost") ?? 0 };
}

async function run([command = "", ...args]: readonly string[], input = ""): Promise<string> {
  const child = spawn(command, args, { stdio: "pipe" });
  child.stdin.on("error", () => {}); // it ended without reading: its exit code and words follow
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [out, words, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${words.trim() || `ended with ${code}`}`);
  return out;
}
