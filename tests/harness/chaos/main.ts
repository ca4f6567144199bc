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
import { chosenRounds as chosenAlertRounds } from "./alerts/coverage.ts";
import { alertCatalogue } from "./alerts/rounds/catalogue.ts";
import { runAlerts } from "./alerts/run-alerts.ts";
import { openProduct } from "./ground/product.ts";
import type { RedisForm } from "./ground/redis-form.ts";
import { runMutants } from "./mutants/run-mutants.ts";
import { type ChaosOptions, readOptions, USAGE } from "./options.ts";
import { resultLines } from "./report.ts";
import { isFor, isQuick, type Round } from "./round.ts";
import { catalogue } from "./rounds/catalogue.ts";
import { runRound } from "./run-round.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

type Chosen = { readonly round: Round; readonly form: RedisForm };

function chosenRounds({ rounds, quick, redis }: ChaosOptions): readonly Chosen[] {
  const named = rounds.map((name) => {
    const round = catalogue.find((one) => one.name === name);
    if (round === undefined) throw new Trouble(`there is no round "${name}": --list names them`);
    if (!redis.some((form) => isFor(round, form)))
      throw new Trouble(`round "${name}" is not for --redis ${redis.join(" --redis ")}`);
    return round;
  });
  return redis.flatMap((form) => {
    const there = (named.length > 0 ? named : catalogue).filter((round) => isFor(round, form));
    const wanted = there.filter((round) => named.length > 0 || !quick || isQuick(round, form));
    return wanted.map((round) => ({ round, form }));
  });
}

async function run(options: ChaosOptions, releases: Releases, signal: AbortSignal): Promise<number> {
  const rounds = options.mutants || options.alerts ? [] : chosenRounds(options);
  const { seed } = options;
  const forms = options.redis.join(",");
  say(firstWords(options, rounds.length));
  releases.add("the built product", removeBuiltProduct);
  const dir = mkdtempSync(join(tmpdir(), "coupon-chaos-"));
  releases.add("the data folder", () => rmSync(dir, { recursive: true, force: true }));
  const starting = startMongodb({ dir: join(dir, "mongodb") });
  releases.add("MongoDB", async () => (await starting.catch(() => undefined))?.kill());
  const [builtDir, mongodb] = await orAborted(Promise.all([builtProduct(), starting]), signal);
  const common = { mongodb, dir, seed, signal };
  if (options.mutants) return judgeMutants(await runMutants({ ...common, builtDir, say }, options.rounds));

  const product = await openProduct(builtDir);
  if (options.alerts) {
    const { isRight, numbers } = await runAlerts({ ...common, product, only: options.only }, say);
    for (const words of await releases.all()) process.stderr.write(`chaos: cleaning up: ${words}\n`);
    say(`chaos: ${isRight ? "PASS" : "FAIL"} ${numbers}`);
    return isRight ? 0 : 1;
  }
  let violations = 0;
  let again = 0;
  const failed: string[] = [];
  for (const [index, { round, form }] of rounds.entries()) {
    if (options.redis.length > 1 && form !== rounds[index - 1]?.form) say(`redis ${form}:`);
    const result = await runRound(round, { ...common, product, form, index }, say);
    for (const line of resultLines(result, form, seed + index)) say(line);
    again += result.again;
    violations += result.judgement?.violated.length ?? 0;
    if (!result.ok) failed.push(`${form}/${result.name}`);
  }
  const trouble = await releases.all();
  for (const words of trouble) process.stderr.write(`chaos: cleaning up: ${words}\n`);
  const numbers = `redis=${forms} rounds=${rounds.length} violations=${violations} again=${again} seed=${seed}`;
  say(failed.length === 0 ? `chaos: PASS ${numbers}` : `chaos: FAIL ${numbers} failed=${failed.join(",")}`);
  return failed.length === 0 ? 0 : 1;
}

function firstWords({ mutants, alerts, only, redis, seed }: ChaosOptions, rounds: number): string {
  if (mutants) return `mutants: seed ${seed}`;
  if (alerts) return `chaos: alerts, ${chosenAlertRounds(alertCatalogue, only).length} rounds, seed ${seed}`;
  return `chaos: ${rounds} rounds, redis ${redis.join(",")}, seed ${seed}`;
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
  if (options.list && options.alerts) {
    for (const { name, alerts } of chosenAlertRounds(alertCatalogue, options.only))
      say(`${name}: ${alerts.join(", ")}`);
    return { exitCode: 0 };
  }
  if (options.list) {
    for (const { round, form } of chosenRounds({ ...options, rounds: [], quick: false }))
      say(isQuick(round, form) ? `${round.name} (quick)` : round.name);
    return { exitCode: 0 };
  }
  setMaxListeners(0, controller.signal);
  return { exitCode: await run(options, releases, controller.signal) };
});
