import type { Lifecycle } from "../runtime/lifecycle.ts";
import { addTickAge } from "../runtime/metrics.ts";
import { createRehearsalWatch } from "../scheduler/rehearsal-watch.ts";
import { createScheduler, type Scheduler } from "../scheduler/scheduler.ts";
import { createStartWatch } from "../scheduler/start-watch.ts";
import type { SharedParts } from "./shared-parts.ts";

/** Opens campaigns at their instants, runs preflights before that, and removes rehearsals that are over. */
export function startSchedulerRole(parts: SharedParts, lifecycle: Lifecycle): Scheduler {
  const scheduler = createScheduler(parts);
  addTickAge(parts.metrics.registry, scheduler.sinceTickMs, parts.clock);
  const watches = {
    scheduler,
    "watch over the starts": createStartWatch(parts),
    "watch over the rehearsals": createRehearsalWatch(parts),
  };
  for (const [name, watch] of Object.entries(watches)) {
    lifecycle.onRelease(name, () => watch.stop());
    watch.start();
  }
  return scheduler;
}
