import cluster, { type Worker } from "node:cluster";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cancel, type Clock, systemClock } from "../../runtime/clock.ts";
import type { Config } from "../../runtime/config.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Ending } from "../../runtime/lifecycle.ts";
import { type ListenerAddresses, listenersOf, SERVER_PORTS } from "../../runtime/listeners.ts";
import type { Logger } from "../../runtime/logger.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";
import { withoutEnvFile } from "./exec-arguments.ts";
import { type Ports, startOnFreePorts } from "./free-ports.ts";
import { type FromWorker, type StartTrouble, tell } from "./messages.ts";
import { replacementFor } from "./replacement.ts";
import { type End, errorOf } from "./worker-end.ts";
import { createGroupMetrics } from "./worker-metrics.ts";

/** Several server processes on one machine that share their ports, as the primary sees them. */
export type WorkerGroup = {
  /**
   * Resolves when all of them listen.
   * @throws the error of the first worker that could not start, once, as a single process would throw it
   */
  start(): Promise<ListenerAddresses>;
  /** Drains all workers at once; kills those that take too long; resolves when all have ended. */
  end(ending: Ending): Promise<void>;
  /** The highest exit code of the workers that were asked to end. */
  worstCode(): number;
};

export type WorkerGroupOptions = {
  config: Config;
  /** The environment of the workers, apart from the settings that the primary chooses for them. */
  env: Readonly<Record<string, string | undefined>>;
  /** Of the operators' key that the primary made; undefined: their credentials are configured. */
  localKeySha256?: string | undefined;
  logger: Logger;
  /** Called when a worker keeps crashing: the caller must end the group and the process. */
  onGiveUp: (error: Error) => void;
  clock?: Clock;
};

/** One worker slot: it has one worker at a time. */
type Place = {
  readonly number: number;
  worker: Worker | undefined;
  addresses: ListenerAddresses | undefined;
  readyAtMs: number;
  deathsInRow: number;
  cancelFork: Cancel;
};

/** In ms: the time beyond SHUTDOWN_DELAY_MS and DRAIN_DEADLINE_MS, which each worker keeps by itself. */
export const DRAIN_GRACE_MS = 1_000;
const KILL_DEADLINE_MS = 500;
/** The same file in the source and in the build, where its extension differs. */
const WORKER_FILE = fileURLToPath(new URL(`../worker${extname(import.meta.url)}`, import.meta.url));

export function createWorkerGroup({
  config,
  env,
  localKeySha256,
  onGiveUp,
  clock = systemClock,
  ...options
}: WorkerGroupOptions): WorkerGroup {
  if (!cluster.isPrimary) {
    throw new UserError("configuration: WORKERS must be 1 in a process that is itself a worker of a cluster");
  }
  // Each worker accepts its own connections. If the primary handed them out, one on its way to a worker that
  // crashes would be lost, and its caller would wait for ever (docs/decisions/0008-workers.md).
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const logger = options.logger.child({ component: "workers" });
  const places = Array.from({ length: config.WORKERS }, (_, i): Place => {
    const none = { worker: undefined, addresses: undefined };
    return { number: i + 1, ...none, readyAtMs: 0, deathsInRow: 0, cancelFork: () => undefined };
  });
  let ports: Ports = {};
  let starting:
    | { readonly resolve: (addresses: ListenerAddresses) => void; readonly reject: (error: Error) => void }
    | undefined;
  let ending: Ending | undefined;
  let worst: number = EXIT.ok;
  let onEmpty: () => void = () => undefined;

  const live = () => places.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
  const metrics = createGroupMetrics(() =>
    places.flatMap(({ worker, addresses }) => {
      if (worker === undefined || addresses === undefined) return [];
      return [{ id: worker.id, ask: (ask: number) => tell(worker, { kind: "metrics-wanted", ask }) }];
    }),
  );

  function fork(place: Place): void {
    const { number } = place;
    const execArgv = withoutEnvFile(process.execArgv);
    // Other users may see arguments; the key cannot be found from its hash.
    const args = [String(number), ...(localKeySha256 === undefined ? [] : [localKeySha256])];
    cluster.setupPrimary({ exec: WORKER_FILE, args, execArgv });
    const worker = cluster.fork({
      ...env,
      // Flags of the primary are settings of the workers.
      HOST: config.HOST,
      ...Object.fromEntries(SERVER_PORTS.map((name) => [name, String(config[name] ?? "")])),
      HEALTH_PORT: String(config.HEALTH_PORT ?? ""),
      ...ports,
      // One scheduler and one generator in a group are enough: they work for all campaigns.
      ROLES: number === 1 ? config.ROLES.join(",") : "server",
    });
    place.worker = worker;
    let trouble: StartTrouble | undefined;
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "failed") trouble = message.trouble;
      else heard(place, worker, message);
    });
    worker.on("error", (error) => {
      logger.error({ number, err: error }, "trouble with a worker");
      if (worker.process.pid === undefined) gone(place, worker, { code: EXIT.bug, signal: null }, trouble);
    });
    worker.once("exit", (code: number | null, signal: string | null) => {
      // Its last message may arrive after its exit event.
      const report = () => gone(place, worker, { code, signal }, trouble);
      if (worker.isConnected()) worker.once("disconnect", report);
      else report();
    });
  }

  function heard(place: Place, worker: Worker, message: Exclude<FromWorker, { kind: "failed" }>): void {
    switch (message.kind) {
      case "ready":
        place.addresses = message.addresses;
        place.readyAtMs = clock.elapsed();
        logger.info({ number: place.number, workerPid: worker.process.pid }, "a worker listens");
        if (ending !== undefined) tell(worker, { kind: "end", ...ending });
        if (places.every(({ addresses }) => addresses !== undefined)) {
          starting?.resolve(message.addresses);
          starting = undefined;
        }
        break;
      case "metrics":
        metrics.arrived(worker.id, message.ask, message.part);
        break;
      case "page-wanted":
        void metrics.page().then(
          (text) => tell(worker, { kind: "page", ask: message.ask, text }),
          (error: unknown) => logger.warn({ err: error }, "the metrics could not be put together"),
        );
        break;
      default:
        message satisfies never;
    }
  }

  function gone(place: Place, worker: Worker, end: End, trouble: StartTrouble | undefined): void {
    if (place.worker !== worker) return;
    const served = place.addresses !== undefined;
    const servedMs = served ? clock.elapsed() - place.readyAtMs : 0;
    place.worker = undefined;
    place.addresses = undefined;
    if (ending !== undefined) {
      // A worker that never served left nothing undone.
      if (served) worst = Math.max(worst, end.code ?? EXIT.drainTimedOut);
      if (live().length === 0) onEmpty();
      return;
    }
    const error = errorOf(place.number, end, trouble);
    if (starting !== undefined) {
      starting.reject(error);
      starting = undefined;
      return;
    }
    metrics.departed(worker.id);
    const { number } = place;
    // Not `code`: the logger redacts fields of that name.
    const how = { exitCode: end.code, signal: end.signal, servedMs: Math.round(servedMs) };
    const told = { number, workerPid: worker.process.pid, ...how };
    const isSettings = trouble?.known === true && trouble.exitCode === EXIT.configuration;
    const othersServe = places.some(({ addresses }) => addresses !== undefined);
    const next = replacementFor(place.deathsInRow, servedMs, isSettings && othersServe);
    place.deathsInRow = next.deathsInRow;
    if (next.kind === "give-up") {
      logger.fatal({ ...told, err: error }, "a worker keeps dying: the service ends");
      onGiveUp(error);
      return;
    }
    logger.error(
      { ...told, err: error, againInMs: next.afterMs },
      "a worker has ended: another takes its slot",
    );
    place.cancelFork = clock.after(next.afterMs, () => fork(place));
  }

  function startOn(free: Ports): Promise<ListenerAddresses> {
    ports = free;
    return new Promise((resolve, reject) => {
      starting = { resolve, reject };
      for (const place of places) fork(place);
    });
  }

  /** Ends a group that could not start. */
  async function abandon(): Promise<void> {
    const ended = places.map((place) => {
      const { worker } = place;
      place.worker = undefined;
      place.addresses = undefined;
      if (worker === undefined || worker.isDead()) return undefined;
      const exited = new Promise<void>((resolve) => void worker.once("exit", () => resolve()));
      worker.process.kill("SIGKILL");
      return exited;
    });
    await Promise.all(ended);
  }

  async function end(asked: Ending): Promise<void> {
    ending = asked;
    for (const { cancelFork } of places) cancelFork();
    const emptied = new Promise<void>((resolve) => {
      onEmpty = resolve;
    });
    for (const { worker, addresses } of places) {
      if (worker === undefined) continue;
      if (addresses !== undefined) tell(worker, { kind: "end", ...asked });
      else worker.process.kill("SIGTERM");
    }
    if (live().length === 0) return;
    const withinMs = config.SHUTDOWN_DELAY_MS + config.DRAIN_DEADLINE_MS + DRAIN_GRACE_MS / 2;
    await withDeadline(emptied, withinMs, "the workers' end", clock).catch(async () => {
      logger.error({ left: live().length }, "workers that did not end in time are killed");
      worst = Math.max(worst, EXIT.drainTimedOut);
      killAll();
      await withDeadline(emptied, KILL_DEADLINE_MS, "the killed workers' end", clock);
    });
  }

  function killAll(): void {
    for (const worker of live()) worker.process.kill("SIGKILL");
  }
  // If a second signal or a deadline ends this process at once, the workers end with it.
  process.once("exit", () => {
    if (ending !== undefined) killAll();
  });

  return {
    start: () => startOnFreePorts(listenersOf(config), startOn, abandon),
    end,
    worstCode: () => worst,
  };
}
