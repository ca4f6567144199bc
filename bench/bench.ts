/**
 * `npm run bench`: rates and costs of the built service on durable stores of its own, each a median of interleaved runs in one go.
 * Says figures, judges none. Exit codes: 0 all measured, 2 could not run, 130 Ctrl-C.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repositoryDir } from "../local/repository.ts";
import { numberFlag } from "./number-flag.ts";
import { type Benchmark, benchmarks, type Figure } from "./rates/benchmarks.ts";
import { layGround } from "./rates/ground.ts";
import { createReleases, type Releases } from "./releases.ts";
import { abortOnSignals, Interrupted, inOneLine, Trouble } from "./trouble.ts";

const USAGE = `npm run bench -- [flags]
  --only NAME[,NAME]  these alone: ${benchmarks.map(({ name }) => name).join(", ")}
  --rounds N          runs of each variant, in turn (5); the figures are medians
  --seconds N         of each run (4)
  --help
`;

type Options = {
  readonly chosen: readonly Benchmark[];
  readonly rounds: number;
  readonly seconds: number;
  readonly help: boolean;
};

const say = (line: string) => void process.stdout.write(`${line}\n`);

function readOptions(args: string[]): Options {
  const { values } = parseFlags(args);
  const names = values.only?.split(",") ?? benchmarks.map(({ name }) => name);
  const chosen = names.map((name) => {
    const found = benchmarks.find((one) => one.name === name);
    if (found === undefined) throw new Trouble(`there is no benchmark "${name}"\n${USAGE}`);
    return found;
  });
  return {
    chosen,
    rounds: numberFlag("rounds", values.rounds, 1, 100),
    seconds: numberFlag("seconds", values.seconds, 1, 60),
    help: values.help,
  };
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: "string" },
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "4" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new Trouble(inOneLine(error), { cause: error });
  }
}

async function measure(options: Options, releases: Releases, signal: AbortSignal): Promise<void> {
  const { chosen, rounds, seconds } = options;
  const [processor] = cpus();
  const machine = {
    cores: cpus().length,
    processor: processor?.model ?? "",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
  say(
    `bench: ${chosen.length} benchmarks, ${rounds} rounds of ${seconds} s, on ${machine.cores} cores, load average ${machine.loadAverage.toFixed(2)}`,
  );
  const ground = await layGround(releases, signal);
  const figures: Figure[] = [];
  for (const { name, what, run } of chosen) {
    say(`\n${name}: ${what}`);
    for (const figure of await run({ ground, rounds, seconds, signal })) {
      figures.push(figure);
      say(`  ${figure.name.padEnd(30)} ${told(figure).padStart(12)} ${figure.unit}`);
    }
  }
  say("");
  for (const figure of figures) say(`bench: ${figure.name}=${told(figure)}`);
  const dir = join(repositoryDir, "bench", "results");
  mkdirSync(dir, { recursive: true });
  const at = new Date().toISOString();
  const file = join(dir, `${at.replace(/[:.]/g, "-")}.json`);
  writeFileSync(file, `${JSON.stringify({ at, machine, rounds, seconds, figures }, undefined, 2)}\n`);
}

function told({ value }: Figure): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    say(USAGE);
    return;
  }
  const controller = new AbortController();
  abortOnSignals(controller);
  const releases = createReleases();
  try {
    await measure(options, releases, controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const trouble of await releases.all()) process.stderr.write(`bench: cleaning up: ${trouble}\n`);
  }
}

try {
  await main();
} catch (error) {
  const interrupted = error instanceof Interrupted;
  const words = error instanceof Trouble ? error.message : inOneLine(error);
  process.stderr.write(`bench: ${interrupted ? "interrupted, everything was stopped and removed" : words}\n`);
  process.exitCode = interrupted ? 130 : 2;
}
