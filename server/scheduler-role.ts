import { createResumeErasure } from "../campaign/erasure/resume-erasure.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { addTickGauges } from "../runtime/metrics.ts";
import { createErasureWatch } from "../scheduler/erasure-watch.ts";
import { createImportWatch } from "../scheduler/import-watch.ts";
import { createRehearsalWatch } from "../scheduler/rehearsal-watch.ts";
import { createScheduler, type Scheduler } from "../scheduler/scheduler.ts";
import { createStartWatch } from "../scheduler/start-watch.ts";
import type { SharedParts } from "./shared-parts.ts";

/** Without the key of pseudonyms, a process leaves erasures to those that have it. */
function erasureWatchOf(parts: SharedParts) {
  const { pseudonyms, mongoFacts } = parts;
  if (pseudonyms === undefined) return {};
  const erasure = createResumeErasure({ ...parts, pseudonyms });
  return {
    "watch over erasures": createErasureWatch({ ...parts, erasure, mongoNowMs: mongoFacts.nowMs }),
  };
}

/** Opens campaigns at their instants, runs preflights before that, and removes what is over or abandoned. */
export function startSchedulerRole(parts: SharedParts, lifecycle: Lifecycle): Scheduler {
  const scheduler = createScheduler(parts);
  addTickGauges(parts.metrics.registry, scheduler.sinceTickMs, parts.clock);
  const watches = {
    scheduler,
    "watch over the starts": createStartWatch(parts),
    "watch over the rehearsals": createRehearsalWatch(parts),
    "watch over the imports": createImportWatch({ ...parts, mongoNowMs: parts.mongoFacts.nowMs }),
    ...erasureWatchOf(parts),
  };
  for (const [name, watch] of Object.entries(watches)) {
    lifecycle.onRelease(name, () => watch.stop());
    watch.start();
  }
  return scheduler;
}
