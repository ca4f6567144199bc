/**
 * `npm run chaos`: sales under fault, each judged from the callers' history and both stores. Exit codes: 0
 * PASS, 1 FAIL, 2 could not run, 130 Ctrl-C.
 */
import { setMaxListeners } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { orAborted, type Releases } from "../../../bench/releases.ts";
import { runCommand } from "../../../bench/run-command.ts";
import { Trouble } from "../../../bench/trouble.ts";
import { builtProduct, removeBuiltProduct } from "../../../local/built.ts";
import { startMongodb } from "../../../local/mongodb-server.ts";
import { openProduct } from "./ground/product.ts";
import { runMutants } from "./mutants/run-mutants.ts";
import { type ChaosOptions, readOptions, USAGE } from "./options.ts";
import { resultLines } from "./report.ts";
import type { Round } from "./round.ts";
import { catalogue } from "./rounds/catalogue.ts";
import { runRound } from "./run-round.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

function chosenRounds({ rounds, quick }: ChaosOptions): readonly Round[] {
  if (rounds.length === 0) return catalogue.filter((round) => !quick || round.quick === true);
  return rounds.map((name) => {
    const round = catalogue.find((one) => one.name === name);
    if (round === undefined) throw new Trouble(`there is no round "${name}": --list names them`);
    return round;
  });
}

async function run(options: ChaosOptions, releases: Releases, signal: AbortSignal): Promise<number> {
  const rounds = options.mutants ? [] : chosenRounds(options);
  const { seed } = options;
  say(options.mutants ? `mutants: seed ${seed}` : `chaos: ${rounds.length} rounds, seed ${seed}`);
  releases.add("the built product", removeBuiltProduct);
  const dir = mkdtempSync(join(tmpdir(), "coupon-chaos-"));
  releases.add("the data folder", () => rmSync(dir, { recursive: true, force: true }));
  const starting = startMongodb({ dir: join(dir, "mongodb") });
  releases.add("MongoDB", async () => (await starting.catch(() => undefined))?.kill());
  const [builtDir, mongodb] = await orAborted(Promise.all([builtProduct(), starting]), signal);
  const common = { mongodb, dir, seed, signal };
  if (options.mutants) return judgeMutants(await runMutants({ ...common, builtDir, say }, options.rounds));

  const product = await openProduct(builtDir);
  let violations = 0;
  let again = 0;
  const failed: string[] = [];
  for (const [index, round] of rounds.entries()) {
    const result = await runRound(round, { ...common, product, index }, say);
    for (const line of resultLines(result, seed)) say(line);
    again += result.again;
    violations += result.judgement?.violated.length ?? 0;
    if (!result.ok) failed.push(result.name);
  }
  const trouble = await releases.all();
  for (const words of trouble) process.stderr.write(`chaos: cleaning up: ${words}\n`);
  const numbers = `rounds=${rounds.length} violations=${violations} again=${again} seed=${seed}`;
  say(failed.length === 0 ? `chaos: PASS ${numbers}` : `chaos: FAIL ${numbers} failed=${failed.join(",")}`);
  return failed.length === 0 ? 0 : 1;
}

function judgeMutants({ caught, tried, survivors, missed }: Awaited<ReturnType<typeof runMutants>>): number {
  const verdict = `caught=${caught}/${tried}`;
  if (caught === tried) {
    say(`mutants: PASS ${verdict}`);
    return 0;
  }
  // A survivor shows a gap in the checks; a missed hazard shows only that the machine was too slow for the
  // round.
  say(
    `mutants: FAIL ${verdict} survivors=${survivors.join(",") || "none"} missed=${missed.join(",") || "none"}`,
  );
  return 1;
}

await runCommand("chaos", async ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return { exitCode: 0, lastWord: USAGE.trimEnd() };
  if (options.list) {
    for (const { name, quick } of catalogue) say(quick === true ? `${name} (quick)` : name);
    return { exitCode: 0 };
  }
  setMaxListeners(0, controller.signal);
  return { exitCode: await run(options, releases, controller.signal) };
});
