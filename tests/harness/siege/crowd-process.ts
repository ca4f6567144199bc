/**
 * The hostile crowd, in a process of its own: its work must not delay the honest users, whose latency is
 * measured. It attacks until SIGTERM, then prints its report.
 */
import { setPriority } from "node:os";
import { startConnectionAttacks } from "./connection-attacks.ts";
import { ATTACKING, type CrowdPlan, type CrowdReport, PLAN_SETTING, REPORT } from "./crowd-plan.ts";
import { startFlood } from "./flood.ts";

/** A crowd on other machines would take no processor time of the service's. */
const LOW_PRIORITY = 15;

const plan = JSON.parse(process.env[PLAN_SETTING] ?? "") as CrowdPlan;
setPriority(LOW_PRIORITY);
const startedMs = performance.now();
const flood = startFlood(plan);
const attacks = startConnectionAttacks(plan);
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
