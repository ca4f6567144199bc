/**
 * `npm run simulate -- --scale`: measures what each step costs on this machine, checks the simulation
 * against a run that the costs were not fitted to, and simulates openings up to a million requests a second.
 * Exit codes: 0 PASS, 1 FAIL, 2 could not run, 130 Ctrl-C.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { runBounded } from "../../local/built.ts";
import { repositoryDir } from "../../local/repository.ts";
import { numberFlag } from "../number-flag.ts";
import { parseFlags } from "../parse-flags.ts";
import { layGround } from "../rates/ground.ts";
import { thisMachine } from "../rates/results.ts";
import type { Releases } from "../releases.ts";
import { runCommand } from "../run-command.ts";
import { simulateClosedLoop } from "./closed-loop.ts";
import { type Measured, measureCosts } from "./measure.ts";
import { capacityLines, costLines, faultsOf, stepLines, steps } from "./report.ts";

const USAGE = `usage: npm run simulate -- --scale [--seed N] [--rounds N] [--seconds N] [--costs FILE] [--help]
  --seed N      of the arrivals (1); the same seed and costs give the same openings
  --rounds N    runs of each load that is measured, in turn (3)
  --seconds N   of each run (2)
  --costs FILE  measure nothing, take what an earlier run has written (bench/results/scale-costs.json)`;

/**
 * The simulation must meet the measured rate within this factor, however busy the machine is with other work:
 * it shows that no large cost was forgotten.
 */
const FACTOR = 3;
const SIMULATED_SECONDS = 3;
const SETUP_MS = 300_000;
const FILE = join(repositoryDir, "bench", "results", "scale-costs.json");

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function measure(
  rounds: number,
  seconds: number,
  releases: Releases,
  signal: AbortSignal,
): Promise<Measured> {
  await runBounded([join(repositoryDir, "setup", "setup.mjs"), "--quiet", "--bench"], SETUP_MS);
  const { cores, loadAverage } = thisMachine();
  say(`scale: measuring on ${cores} cores, load average ${loadAverage.toFixed(2)}`);
  const ground = await layGround(releases, signal);
  const measured = await measureCosts({ ground, signal, rounds, seconds });
  mkdirSync(join(FILE, ".."), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
  return measured;
}

await runCommand("scale", async ({ releases, controller }) => {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean", default: false } as const;
  const flags = {
    scale: boolean,
    seed: string,
    rounds: string,
    seconds: string,
    costs: string,
    help: boolean,
  };
  const given = parseFlags(process.argv.slice(2), flags, USAGE);
  if (given.help) return { exitCode: 0, lastWord: USAGE };
  const seed = numberFlag("seed", given.seed ?? "1", 0, 2 ** 31 - 1);
  const rounds = numberFlag("rounds", given.rounds ?? "3", 1, 20);
  const seconds = numberFlag("seconds", given.seconds ?? "2", 1, 30);
  const measured =
    given.costs === undefined
      ? await measure(rounds, seconds, releases, controller.signal)
      : (JSON.parse(readFileSync(given.costs, "utf8")) as Measured);
  for (const line of [...costLines(measured), "", ...capacityLines(measured), ""]) say(line);

  const { connections, perSecond, p50Ms, share } = measured.check;
  const cores = cpus().length;
  const point = simulateClosedLoop(measured.costs, { cores, share, connections, seconds: SIMULATED_SECONDS });
  const ratio = point.perSecond / perSecond;
  say(
    `this machine (${share.toFixed(2)} of ${cores} cores), ${connections} connections: measured ${Math.round(perSecond)}/s (p50 ${p50Ms.toFixed(1)} ms), simulated ${Math.round(point.perSecond)}/s (p50 ${point.p50Ms.toFixed(1)} ms), ratio ${ratio.toFixed(2)}`,
  );
  say("");
  const all = steps(measured.costs, seed);
  for (const line of stepLines(all)) say(line);
  const faults = all.flatMap(faultsOf);
  if (!(ratio >= 1 / FACTOR && ratio <= FACTOR))
    faults.push(
      `the simulated rate is ${ratio.toFixed(2)} of the measured one, not within a factor of ${FACTOR}`,
    );
  for (const fault of faults) say(`  ${fault}`);
  const verdict = faults.length === 0 ? "PASS" : "FAIL";
  return {
    exitCode: faults.length === 0 ? 0 : 1,
    lastWord: `scale: ${verdict} ratio=${ratio.toFixed(2)} seed=${seed} faults=${faults.length}`,
  };
});
