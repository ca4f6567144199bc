import { hostname } from "node:os";
import type { ClockOffset } from "../../pool/redis-clock.ts";
import type { CampaignCounts, ProcessBeat } from "../../record/documents.ts";
import type { Processes } from "../../record/processes.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { StoreName } from "../../runtime/store-metrics.ts";
import { SHAPE_MAX } from "../../runtime/stored-shape.ts";
import { troubleOnce } from "../../runtime/trouble-once.ts";
import { productVersion } from "../../runtime/version.ts";

/**
 * Writes the heartbeat of this process about once a second, for preflight and the launch console. No request
 * waits for it.
 */
export type Heartbeat = {
  /** Writes the first heartbeat at once. */
  start(): void;
  /** Stops the heartbeats and deregisters this process. */
  stop(): Promise<void>;
};

export type HeartbeatDeps = {
  processes: Processes;
  /** The offset of this process' clock to that of Redis; rejects where Redis does not answer. */
  redisClock: () => Promise<ClockOffset>;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  owner: string;
  roles: readonly string[];
  /** How claims are authenticated; undefined: this process takes none. */
  claims?: ProcessBeat["claims"];
  /** Of its ERASURE_KEY; undefined: it has none. */
  pseudonyms?: { readonly fingerprint: string } | undefined;
  /** The number of the worker slot; undefined: a process without workers. */
  worker?: number | undefined;
  /** Since the last completed round of its scheduler; undefined: no scheduler, or no completed round yet. */
  sinceTickMs: () => number | undefined;
  campaigns: () => CampaignCounts[] | Promise<CampaignCounts[]>;
  /** What it serves while it is ready; undefined: it is not, or has no server role. */
  serving?: () => ProcessBeat["serving"];
  /** Makes a call of a store, and notes whether it succeeded. */
  ask?: <T>(store: "redis" | "mongodb", call: () => Promise<T>) => Promise<T>;
};

export const BEAT_EVERY_MS = 1_000;
/** A heartbeat document that is older than this is removed by every process, … */
const FORGET_AFTER_MS = 3_600_000;
/** … with its first heartbeat and with every so many after it. */
const FORGET_EVERY_BEATS = 60;
/** How long an orderly end waits for the last heartbeat, and then for the deregistration. */
const DEREGISTER_MS = 500;

export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const { processes, clock, metrics, owner, ask = (_, call) => call() } = deps;
  const logger = deps.logger.child({ component: "server" });
  const who = {
    host: hostname(),
    pid: process.pid,
    ...(deps.worker === undefined ? {} : { worker: deps.worker, primary: process.ppid }),
    roles: [...deps.roles],
    ...(deps.claims === undefined ? {} : { claims: deps.claims }),
    ...(deps.pseudonyms === undefined ? {} : { erasureKey: deps.pseudonyms.fingerprint }),
    version: productVersion(),
    shape: SHAPE_MAX,
    startedAt: new Date(clock.now()),
  };
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  let beats = 0;
  let stopped = false;

  async function alarms(): Promise<Record<string, number>> {
    const { values } = await metrics.alarms.get();
    const raised = values.filter(({ value }) => value > 0);
    return Object.fromEntries(raised.map(({ labels, value }) => [String(labels.kind), value]));
  }

  async function tryStore<T>(store: StoreName, call: () => Promise<T>): Promise<T> {
    metrics.storeAnswers.asked(store);
    try {
      const answer = await ask(store, call);
      metrics.storeAnswers.answered(store);
      return answer;
    } catch (error) {
      metrics.storeAnswers.failed(store);
      throw error;
    }
  }

  async function beat(): Promise<void> {
    const measured = await tryStore("redis", deps.redisClock).catch(() => undefined);
    metrics.clockOffset(measured);
    const serving = deps.serving?.();
    const told: ProcessBeat = {
      ...who,
      ...(serving === undefined ? {} : { serving }),
      ...(measured === undefined ? {} : { redisClock: measured }),
      alarms: await alarms(),
      campaigns: await deps.campaigns(),
    };
    await tryStore("mongodb", () => processes.beat(owner, told, deps.sinceTickMs()));
    if (beats++ % FORGET_EVERY_BEATS === 0) await processes.forget(FORGET_AFTER_MS);
  }

  const tryBeat = troubleOnce(beat, {
    failed: (error) =>
      logger.warn({ err: error }, "the heartbeat of this process failed; the next one tries again"),
    recovered: () => logger.info("the heartbeat of this process is back"),
  });

  /** One heartbeat at a time: while MongoDB hangs, its driver's own limits end it. */
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
      // A heartbeat that is written after the deregistration would look like a process that was lost.
      await withDeadline(underWay, DEREGISTER_MS, "the last heartbeat", clock)
        .then(() => withDeadline(processes.leave(owner), DEREGISTER_MS, "the deregistration", clock))
        .catch((error: unknown) => logger.debug({ err: error }, "deregistration failed"));
    },
  };
}
