/** The hostile crowd, in a process of its own. It attacks until SIGTERM, then prints its report. */
import { constants, setPriority } from "node:os";
import { startConnectionAttacks } from "./connection-attacks.ts";
import { ATTACKING, type CrowdPlan, type CrowdReport, PLAN_SETTING, REPORT } from "./crowd-plan.ts";
import { startFlood } from "./flood.ts";

/**
 * The lowest: a crowd brings machines of its own, so its making of requests must take no processor time from
 * the service or the honest users. What the service does for each of its requests is the service's own work.
 */
const CROWD_PRIORITY = constants.priority.PRIORITY_LOW;

const plan = JSON.parse(process.env[PLAN_SETTING] ?? "") as CrowdPlan;
setPriority(CROWD_PRIORITY);
const flood = startFlood(plan);
const attacks = startConnectionAttacks(plan);
// Its requests are made by now, and none is sent yet.
const startedMs = performance.now();
process.stdout.write(`${ATTACKING}\n`);
process.once("SIGTERM", () => {
  flood.stop();
  attacks.stop();
  const report: CrowdReport = {
    seconds: (performance.now() - startedMs) / 1_000,
    kinds: flood.kinds,
    taken: [...flood.taken].flatMap(([userId, codes]) => [...codes].map((code) => [userId, code] as const)),
    attacks: attacks.counts,
  };
  process.stdout.write(`${REPORT}${JSON.stringify(report)}\n`, () => process.exit(0));
});
