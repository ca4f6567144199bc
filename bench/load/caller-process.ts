/**
 * The callers in a process of their own: the other work of the benchmarks must not delay them. Jobs come by
 * IPC, one at a time; each is answered with its report, or with the error.
 */

import type { CallerJob } from "./caller-jobs.ts";
import { fineAlarm } from "./fine-alarm.ts";
import { createLightClient, type LightClient } from "./light-client.ts";
import { runCallers } from "./run-callers.ts";

const alarm = fineAlarm();
const clients = new Map<string, LightClient>();

function clientOf(job: CallerJob): LightClient {
  const { baseUrl, connections } = job;
  // A crowd closes all of its connections when it leaves.
  if (job.kind === "crowd") return createLightClient(baseUrl, connections, job);
  const key = `${baseUrl} ${connections}`;
  const known = clients.get(key) ?? createLightClient(baseUrl, connections);
  clients.set(key, known);
  return known;
}

process.on("message", async (job: CallerJob) => {
  try {
    process.send?.({ report: await runCallers(job, clientOf(job), alarm) });
  } catch (error) {
    process.send?.({ trouble: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit());
