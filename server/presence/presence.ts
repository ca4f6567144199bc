import { hostname } from "node:os";
import type { ClockOffset } from "../../pool/redis-clock.ts";
import type { CampaignCounts, ProcessBeat } from "../../record/documents.ts";
import type { Processes } from "../../record/processes.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { troubleOnce } from "../../runtime/trouble-once.ts";
import { productVersion } from "../../runtime/version.ts";

/**
 * Says about once a second who this process is and how it does, for preflight and the launch console. Never
 * waited for.
 */
export type Presence = {
  /** The first beat at once. */
  start(): void;
  /** No more beats; the others see that it left. */
  stop(): Promise<void>;
};

export type PresenceDeps = {
  processes: Processes;
  /** How far our clock is from that of Redis; rejects where Redis does not answer. */
  redisClock: () => Promise<ClockOffset>;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  owner: string;
  roles: readonly string[];
  /** Which worker of several on one port. */
  worker?: number | undefined;
  /** Since the scheduler here last completed a round; undefined: there is none, or none was completed yet. */
  sinceTickMs: () => number | undefined;
  campaigns: () => CampaignCounts[] | Promise<CampaignCounts[]>;
};

export const BEAT_EVERY_MS = 1_000;
/** Who has not been heard of for so long is removed by whoever beats … */
const FORGET_AFTER_MS = 3_600_000;
/** … which looks for them every so many beats. */
const FORGET_EVERY_BEATS = 60;
/** How long an orderly end waits for the last heartbeat, and then for the deregistration. */
const DEREGISTER_MS = 500;

export function createPresence(deps: PresenceDeps): Presence {
  const { processes, clock, metrics, owner } = deps;
  const logger = deps.logger.child({ component: "server" });
  const who = {
    host: hostname(),
    pid: process.pid,
    ...(deps.worker === undefined ? {} : { worker: deps.worker, primary: process.ppid }),
    roles: [...deps.roles],
    version: productVersion(),
    startedAt: new Date(clock.now()),
  };
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  let beats = 0;
  let stopped = false;

  async function alarms(): Promise<Record<string, number>> {
    const { values } = await metrics.alarms.get();
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.kind), value]));
  }

  async function beat(): Promise<void> {
    const measured = await deps.redisClock().catch(() => undefined);
    const told: ProcessBeat = {
      ...who,
      ...(measured === undefined ? {} : { redisClock: measured }),
      alarms: await alarms(),
      campaigns: await deps.campaigns(),
    };
    await processes.beat(owner, told, deps.sinceTickMs());
    if (beats++ % FORGET_EVERY_BEATS === 0) await processes.forget(FORGET_AFTER_MS);
  }

  const tryBeat = troubleOnce(beat, {
    failed: (error) =>
      logger.warn({ err: error }, "the heartbeat of this process failed; the next one tries again"),
    recovered: () => logger.info("the heartbeat of this process is back"),
  });

  /** One at a time: while MongoDB hangs, its driver's own limits end a beat. */
  async function next(): Promise<void> {
    await tryBeat();
    if (!stopped) cancel = clock.after(BEAT_EVERY_MS, again);
  }

  function again(): void {
    underWay = next();
  }

  return {
    start: again,
    async stop() {
      stopped = true;
      cancel();
      // A heartbeat that comes through after the deregistration would look like a process that was lost.
      await withDeadline(underWay, DEREGISTER_MS, "the last heartbeat", clock)
        .then(() => withDeadline(processes.leave(owner), DEREGISTER_MS, "the deregistration", clock))
        .catch((error: unknown) => logger.debug({ err: error }, "deregistration failed"));
    },
  };
}
