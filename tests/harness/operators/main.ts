/**
 * `npm run operators`: several operators change campaigns at random while many callers ask for coupons at
 * several servers; each campaign is then verified. Exit codes: 0 PASS, 1 FAIL, 2 could not run.
 */
import { randomInt } from "node:crypto";
import { numberFlag } from "../../../bench/number-flag.ts";
import { parseFlags } from "../../../bench/parse-flags.ts";
import { Trouble } from "../../../bench/trouble.ts";
import { removeBuiltProduct } from "../../../local/built.ts";
import { stopSharedStack } from "../../support/shared-stores.ts";
import { openLifeGround } from "./ground.ts";
import { describeLife, type Life, liveThrough } from "./life.ts";

const USAGE = `usage: npm run operators -- [--seconds S] [--calls C] [--seed N] [--trace] [--help]

  --seconds S  campaign after campaign for so long (60; 0: one); each comes to its end
  --calls C    of the operators, a campaign (60)
  --seed N     of the first campaign; the next has N + 1. What each operator wishes for repeats, who is quicker does not
  --trace      every call of an operator and its answer`;

const SEED_MOST = 2 ** 31 - 1;
const FAULTS_SHOWN = 12;

function readOptions() {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean", default: false } as const;
  const flags = { seconds: string, calls: string, seed: string, trace: boolean, help: boolean };
  const { seconds = "60", calls = "60", seed, trace, help } = parseFlags(process.argv.slice(2), flags);
  return {
    ...{ trace, help },
    seconds: numberFlag("seconds", seconds, 0, 3_600),
    calls: numberFlag("calls", calls, 1, 1_000),
    seed: seed === undefined ? randomInt(1, SEED_MOST) : numberFlag("seed", seed, 0, SEED_MOST),
  };
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function run({ seconds, calls, seed, trace }: ReturnType<typeof readOptions>): Promise<number> {
  say(`operators: seed ${seed}, ${seconds} s`);
  const ground = await openLifeGround();
  const lives: Life[] = [];
  try {
    const endsAtMs = performance.now() + seconds * 1_000;
    do {
      const life = await liveThrough(ground, {
        seed: seed + lives.length,
        calls,
        ...(trace ? { trace: say } : {}),
      });
      lives.push(life);
      say(describeLife(life));
      for (const fault of life.faults.slice(0, FAULTS_SHOWN)) say(`  ${fault}`);
    } while (performance.now() < endsAtMs);
  } finally {
    await ground.close();
  }
  const failed = lives.filter(({ faults }) => faults.length > 0);
  const sum = (of: (life: Life) => number) => lives.reduce((total, life) => total + of(life), 0);
  const numbers = [
    `campaigns=${lives.length} calls=${sum((life) => life.calls.length)} changes=${sum((life) => life.changes)}`,
    `asks=${sum((life) => life.asked)} issued=${sum((life) => life.issued)} seed=${seed}`,
  ].join(" ");
  const seeds = failed.map((life) => life.seed).join(",");
  say(failed.length === 0 ? `operators: PASS ${numbers}` : `operators: FAIL ${numbers} failed=${seeds}`);
  return failed.length === 0 ? 0 : 1;
}

try {
  const options = readOptions();
  if (options.help) say(USAGE);
  else process.exitCode = await run(options).finally(stopSharedStack);
} catch (error) {
  const words =
    error instanceof Trouble ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`operators: ${words}\n`);
  process.exitCode = 2;
} finally {
  await removeBuiltProduct();
}
