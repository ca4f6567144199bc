import type { Logger } from "./logger.ts";
import { EXIT } from "./user-error.ts";

/**
 * How the process ends. Hurried: a person waits for the end (Ctrl-C), so the process waits only for what is
 * under way.
 */
export type Ending = { readonly hurried: boolean };

/** Resources that must be released, in the reverse of the order in which they were registered. */
export type Lifecycle = {
  /** Registers the function that releases a resource. */
  onRelease(name: string, release: (ending: Ending) => Promise<void> | void): void;
  /** Releases everything, once; later calls get the same result. True: all succeeded within the deadline. */
  release(ending?: Ending): Promise<boolean>;
  /** True from the moment that release began. */
  releasing(): boolean;
};

export function createLifecycle(logger: Logger, deadlineMs: number): Lifecycle {
  const releases: { name: string; release: (ending: Ending) => Promise<void> | void }[] = [];
  let result: Promise<boolean> | undefined;

  async function releaseAll(ending: Ending): Promise<boolean> {
    const endsAt = Date.now() + deadlineMs;
    let clean = true;
    for (const { name, release } of releases.reverse()) {
      const left = Math.max(1, endsAt - Date.now());
      const outcome = await Promise.race([
        Promise.resolve()
          .then(() => release(ending))
          .then(
            () => "done" as const,
            (error: unknown) => {
              logger.error({ err: error, resource: name }, "a resource could not be released");
              return "failed" as const;
            },
          ),
        new Promise<"late">((resolve) => setTimeout(() => resolve("late"), left).unref()),
      ]);
      if (outcome === "late")
        logger.error({ resource: name, deadlineMs }, "a resource was not released within the deadline");
      if (outcome !== "done") clean = false;
    }
    return clean;
  }

  return {
    onRelease: (name, release) => void releases.push({ name, release }),
    release(ending = { hurried: false }) {
      result ??= releaseAll(ending);
      return result;
    },
    releasing: () => result !== undefined,
  };
}

/**
 * Ctrl-C under `npm start` sends two signals to the process, from the terminal and from npm: within this time
 * they count as one.
 */
const SAME_SIGNAL_MS = 300;

/** Drains and ends the process without a signal; `why` is logged in its place. */
export type EndProcess = (why: string, ending: Ending) => void;

/**
 * The first SIGINT or SIGTERM drains and releases, the second ends the process at once; the exit code shows
 * the outcome. SIGINT comes from a person, so that end is hurried. `leastCode` is called at the end: the
 * least exit code, because of the workers that ended. Returns a function that drains without a signal; its
 * later calls do nothing.
 */
export function exitOnSignals(
  lifecycle: Lifecycle,
  logger: Logger,
  leastCode: () => number = () => EXIT.ok,
): EndProcess {
  let firstAtMs: number | undefined;
  let draining = false;

  const drain: EndProcess = (why, ending) => {
    if (draining) return;
    draining = true;
    logger.info({ signal: why }, "stopping");
    void lifecycle.release(ending).then((clean) => {
      const code = Math.max(clean ? EXIT.ok : EXIT.drainTimedOut, leastCode());
      logger.info(
        code === EXIT.ok ? "stopped: nothing was left undone" : "stopped, but not all could be ended in time",
      );
      process.exit(code);
    });
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAtMs === undefined) {
      firstAtMs = performance.now();
      drain(signal, { hurried: signal === "SIGINT" });
      return;
    }
    if (performance.now() - firstAtMs < SAME_SIGNAL_MS) return;
    logger.warn({ signal }, "second signal: exit at once");
    process.exit(EXIT.drainTimedOut);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return drain;
}
