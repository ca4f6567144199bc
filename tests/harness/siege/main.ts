/**
 * `npm run siege`: sales at a real service with and without a hostile crowd; every honest user must be
 * served, and nothing given to anybody else. Exit codes: 0 PASS, 1 FAIL, 2 could not run.
 */
import { Trouble } from "../../../bench/trouble.ts";
import { removeBuiltProduct } from "../../../local/built.ts";
import { openSiegeGround } from "./ground.ts";
import { readOptions, type SiegeOptions, USAGE } from "./options.ts";
import { besiege, describeVerdict } from "./siege.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function run(options: SiegeOptions): Promise<number> {
  const ground = await openSiegeGround({ workers: options.workers });
  try {
    const verdict = await besiege(ground, options, say);
    for (const fault of verdict.faults) say(`  ${fault}`);
    if (verdict.faults.length > 0)
      for (const line of ground.service.lines.slice(-20)) say(`  service: ${line}`);
    say(describeVerdict(verdict));
    return verdict.faults.length === 0 ? 0 : 1;
  } finally {
    await ground.close();
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) say(USAGE);
  else process.exitCode = await run(options);
} catch (error) {
  const words =
    error instanceof Trouble ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`siege: ${words}\n`);
  process.exitCode = 2;
} finally {
  await removeBuiltProduct();
}
