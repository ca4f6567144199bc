/**
 * `npm run upgrade-check`: the previous release and this version side by side on the same stores, during
 * sales: an upgrade process by process, then a rollback. Exit codes: 0 PASS, 1 FAIL, 2 could not run, 130
 * Ctrl-C.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuditor } from "../../../audit/stores/auditor.ts";
import { orAborted, type Releases } from "../../../bench/releases.ts";
import { runCommand } from "../../../bench/run-command.ts";
import { removeBuiltProduct } from "../../../local/built.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { startOwnStack } from "../../support/own-stack.ts";
import { startFleet } from "./fleet.ts";
import { readOptions, type UpgradeOptions, USAGE } from "./options.ts";
import { presentProduct, previousRelease, releasedProduct } from "./product.ts";
import { rollOut } from "./roll-out.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function check({ rounds, coupons }: UpgradeOptions, releases: Releases, signal: AbortSignal) {
  const dir = await mkdtemp(join(tmpdir(), "coupon-upgrade-"));
  releases.add("the folder", () => rm(dir, { recursive: true, force: true }));
  releases.add("the built product", removeBuiltProduct);
  const release = previousRelease();
  const previous = await orAborted(releasedProduct(release, dir), signal);
  const present = await orAborted(presentProduct(), signal);
  say(
    `upgrade-check: ${previous.version} (${release.commit.slice(0, 10)}) and ${present.version} side by side`,
  );
  const stack = await startOwnStack();
  releases.add("the stores", () => stack.close());
  const fleet = await startFleet({ ...stack.env, OPERATOR_TOKEN }, previous);
  releases.add("the servers", () => fleet.close());
  const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl, MONGODB_DATABASE: database } = stack.env;
  const auditor = await openAuditor({ redisUrl, mongodbUrl, database });
  releases.add("the audit", () => auditor.close());
  const faults: string[] = [];
  const note = (found: readonly string[]) => {
    faults.push(...found);
    for (const fault of found) say(`  ${fault}`);
  };
  const upgrade = { from: previous, to: present };
  const rollback = { from: present, to: previous };
  for (let round = 0; round < rounds; round++) {
    for (const way of [upgrade, rollback]) {
      const rolling = rollOut({ stack, fleet, auditor, dir, ...way, coupons, seed: round });
      const rolled = await orAborted(rolling, signal);
      say(rolled.line);
      note(rolled.faults);
    }
  }
  note(fleet.faults);
  const verdict = faults.length === 0 ? "PASS" : "FAIL";
  const numbers = `rounds=${rounds} coupons=${coupons} swept=${fleet.swept()} faults=${faults.length}`;
  return {
    exitCode: faults.length === 0 ? 0 : 1,
    lastWord: `upgrade-check: ${verdict} ${numbers}`,
  };
}

await runCommand("upgrade-check", ({ releases, controller }) => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return Promise.resolve({ exitCode: 0, lastWord: USAGE });
  return check(options, releases, controller.signal);
});
