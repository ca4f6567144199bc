/**
 * `node --import tsx bench/processes.ts`: claims with 1, 2 and 4 server processes over one Redis, and over a
 * cluster of three masters with three campaigns; what a claim costs each part in processor time. On a machine
 * of few cores the cost is the figure, the rate is not. Prints figures and judges none. Exit codes: 0
 * measured, 2 it could not, or a coupon was missing, 130 Ctrl-C.
 */
import { setMaxListeners } from "node:events";
import { numberFlag } from "./number-flag.ts";
import { parseFlags } from "./parse-flags.ts";
import { openCampaign, openCampaignPerMaster } from "./processes/campaigns.ts";
import { type Cpu, layProcessesGround, PARTS, type ProcessesGround, type Side } from "./processes/ground.ts";
import { idleOf, type Run, runVariant, type Variant } from "./processes/run.ts";
import { interleaved, median, ratioText } from "./rates/compare.ts";
import { thisMachine } from "./rates/results.ts";
import type { Releases } from "./releases.ts";
import { runCommand } from "./run-command.ts";

const USAGE = `node --import tsx bench/processes.ts [flags]
  --rounds N       runs of each variant, in turn; the figures are medians (3)
  --seconds N      of each run (3)
  --connections N  over all servers and campaigns (96)
  --help`;

const COUNTS = [1, 2, 4] as const;
const WARM_UP_SECONDS = 2;
/** For the warm-up: more than any machine issues. */
const WARM_UP_COUPONS = 60_000;
/** Warm code is quicker than cold. */
const ROOM = 3;
const IDLE_SECONDS = 5;
const NOTHING: Cpu = { server: 0, redis: 0, mongodb: 0, callers: 0 };

type Options = { readonly rounds: number; readonly seconds: number; readonly connections: number };

const say = (line: string) => void process.stdout.write(`${line}\n`);
const whole = (value: number) => String(Math.round(value));

async function measure(options: Options, releases: Releases, signal: AbortSignal): Promise<void> {
  const { rounds, seconds, connections } = options;
  const { cores, loadAverage } = thisMachine();
  say(`processes: ${cores} cores, load average ${loadAverage.toFixed(2)}, ${connections} connections`);
  const servers = Math.max(...COUNTS);
  const ground = await layProcessesGround(servers, releases, signal);
  const warmUp = async (side: Side, campaigns: readonly string[]) => {
    const variant = { side, campaigns, servers, connections, idle: NOTHING };
    return (await runVariant(ground, variant, WARM_UP_SECONDS, signal)).perSecond;
  };
  const rate = await warmUp(ground.single, [await openCampaign(ground.single, WARM_UP_COUPONS, signal)]);
  const needed = Math.ceil(ROOM * rate * (seconds * rounds * COUNTS.length + WARM_UP_SECONDS));
  const alone = [await openCampaign(ground.single, needed, signal)];
  const spread = await openCampaignPerMaster(ground.cluster, Math.ceil(needed / 3), signal);
  await warmUp(ground.cluster, spread);

  const [idle, idleCluster] = [
    await idleOf(ground.single, ground.mongodb, IDLE_SECONDS),
    await idleOf(ground.cluster, ground.mongodb, IDLE_SECONDS),
  ];
  say(idleLine(ground, idle, idleCluster));
  const variants: Record<string, Variant> = {};
  for (const count of COUNTS)
    variants[`one Redis, ${count}`] = variantOf(ground.single, alone, count, connections, idle);
  for (const count of COUNTS)
    variants[`cluster, ${count}`] = variantOf(ground.cluster, spread, count, connections, idleCluster);
  const runs = Object.fromEntries(
    Object.entries(variants).map(([name, variant]) => [
      name,
      () => runVariant(ground, variant, seconds, signal),
    ]),
  );
  const results = await interleaved(rounds, runs);
  for (const line of table(results)) say(line);
}

const variantOf = (
  side: Side,
  campaigns: readonly string[],
  servers: number,
  connections: number,
  idle: Cpu,
): Variant => ({ side, campaigns, servers, connections, idle });

function table(results: Readonly<Record<string, readonly Run[]>>): string[] {
  const columns = [
    "claims/s",
    "p50 ms",
    "batch",
    "insert",
    ...PARTS.map((part) => `${part} µs`),
    "sum µs",
    "cores",
  ];
  const rows = Object.entries(results).map(([name, each]) => {
    const of = (value: (run: Run) => number) => median(each.map(value));
    return [
      name,
      whole(of((run) => run.perSecond)),
      of((run) => run.p50Ms).toFixed(1),
      of((run) => run.claimBatch).toFixed(1),
      of((run) => run.commitBatch).toFixed(1),
      ...PARTS.map((part) => whole(of((run) => run.cpuUs[part]))),
      whole(of(sumUs)),
      of((run) => run.coresBusy).toFixed(2),
    ];
  });
  const base = results["one Redis, 1"] ?? [];
  const ratios = Object.entries(results).map(
    ([name, each]) =>
      `${name.padEnd(14)} processor time of a claim ${ratioText(each.map(sumUs), base.map(sumUs), "one Redis, 1")}`,
  );
  return ["", ...aligned([["servers", ...columns], ...rows]), "", ...ratios];
}

const sumUs = ({ cpuUs }: Run): number => PARTS.reduce((sum, part) => sum + cpuUs[part], 0);

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  "),
  );
}

function idleLine({ single, cluster }: ProcessesGround, one: Cpu, group: Cpu): string {
  const each = (seconds: number, of: number) => `${((seconds / of) * 1e3).toFixed(1)} ms`;
  const count = single.servers.length + cluster.servers.length;
  const [server, redis] = [each(one.server + group.server, count), each(one.redis, single.servers.length)];
  return `idle, a server process takes in a second ${server} of its own, ${redis} of Redis, ${each(one.mongodb, count)} of MongoDB`;
}

await runCommand("processes", async ({ releases, controller }) => {
  setMaxListeners(0, controller.signal);
  const string = { type: "string" } as const;
  const flags = { rounds: string, seconds: string, connections: string, help: { type: "boolean" } } as const;
  const given = parseFlags(process.argv.slice(2), flags, USAGE);
  if (given.help === true) return { exitCode: 0, lastWord: USAGE };
  const options = {
    rounds: numberFlag("rounds", given.rounds ?? "3", 1, 50),
    seconds: numberFlag("seconds", given.seconds ?? "3", 1, 60),
    connections: numberFlag("connections", given.connections ?? "96", 12, 1_000),
  };
  await measure(options, releases, controller.signal);
  return { exitCode: 0 };
});
