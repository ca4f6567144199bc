/**
 * The hostile crowd, in a process of its own. It attacks until SIGTERM, and on a busy machine until each of
 * its attacks has met the service; then it prints its report.
 */
import { constants, setPriority } from "node:os";
import { until } from "../../../local/poll.ts";
import { HANG_MS } from "../../support/patience.ts";
import { startConnectionAttacks } from "./connection-attacks.ts";
import { ATTACKING, type CrowdPlan, type CrowdReport, PLAN_SETTING, REPORT } from "./crowd-plan.ts";
import { startFlood } from "./flood.ts";

/**
 * Below the service and the honest users: a crowd brings machines of its own, so its making of requests must
 * take no processor time from them. What the service does for each of its requests is the service's own work.
 * The lowest only where that is measured: on a busy machine such a process gets no processor for a minute.
 */
const { PRIORITY_LOW, PRIORITY_BELOW_NORMAL } = constants.priority;

const plan = JSON.parse(process.env[PLAN_SETTING] ?? "") as CrowdPlan;
setPriority(plan.isMeasured ? PRIORITY_LOW : PRIORITY_BELOW_NORMAL);
const flood = startFlood(plan);
const attacks = startConnectionAttacks(plan);
// Its requests are made by now, and none is sent yet.
const startedMs = performance.now();
process.stdout.write(`${ATTACKING}\n`);
const hasMet = () => Object.values(flood.kinds).every(({ answered, cut }) => answered + cut > 0);
process.once("SIGTERM", async () => {
  await until(hasMet, HANG_MS);
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
