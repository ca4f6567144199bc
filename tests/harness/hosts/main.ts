/**
 * `npm run hosts`: sales on several hosts, with partitions, bad ways, wrong clocks and rolling restarts. Exit
 * codes: 0 PASS, 1 FAIL, 2 could not run, 130 Ctrl-C.
 */
import { setMaxListeners } from "node:events";
import type { Releases } from "../../../bench/releases.ts";
import { runCommand } from "../../../bench/run-command.ts";
import { Trouble } from "../../../bench/trouble.ts";
import { openGround } from "./ground.ts";
import { chooseRate, runRounds } from "./hosts.ts";
import { type HostsOptions, readOptions, USAGE } from "./options.ts";
import { isInside, runInside } from "./own-network.ts";
import { catalogue } from "./rounds.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

function chosenRounds({ rounds, quick }: HostsOptions) {
  if (rounds.length === 0) return catalogue.filter((round) => !quick || round.quick === true);
  return rounds.map((name) => {
    const round = catalogue.find((one) => one.name === name);
    if (round === undefined) throw new Trouble(`there is no round "${name}": --list names them`);
    return round;
  });
}

async function run(options: HostsOptions, releases: Releases, signal: AbortSignal) {
  const rounds = chosenRounds(options);
  const ground = await openGround(releases, signal);
  const ratePerSecond = await chooseRate(ground, options.ratePerSecond, signal, say);
  return runRounds(ground, { rounds, ratePerSecond, signal, say });
}

const args = process.argv.slice(2);
await runCommand("hosts", async ({ releases, controller }) => {
  const options = readOptions(args);
  if (options.help) return { exitCode: 0, lastWord: USAGE };
  if (options.list) {
    for (const { name, quick } of catalogue) say(quick === true ? `${name} (quick)` : name);
    return { exitCode: 0 };
  }
  chosenRounds(options);
  if (!isInside()) return { exitCode: await runInside(import.meta.url, args) };
  setMaxListeners(0, controller.signal);
  return run(options, releases, controller.signal);
});
