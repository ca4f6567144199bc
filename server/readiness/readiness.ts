import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { STORES, type StoreReach } from "./store-reach.ts";

/** Isolated: the process does not reach a store that another server reaches. */
export type ReadinessStatus = "starting" | "ready" | "isolated" | "draining";

/** `trouble`: why it fails; undefined: it does not. */
export type Check = { readonly name: string; readonly trouble: string | undefined };

/** Whether a process takes requests, or does the work of its roles, and why not. */
export type Readiness = {
  status(): ReadinessStatus;
  /** The reasons. A store that fails is one only where the last check, `isolation`, fails with it. */
  checks(): readonly Check[];
  /** Calls the listener after each change of the status; returns the function that ends this. */
  onChange(listener: () => void): () => void;
};

export type ReadinessDeps = {
  readonly reach: Pick<StoreReach, "lostMs">;
  readonly isEnding: () => boolean;
  readonly clock: Pick<Clock, "elapsed">;
  readonly logger: Logger;
};

export type OwnReadiness = Readiness & {
  /** The roles are started. */
  started(): void;
  isolate(isIsolated: boolean): void;
};

export function createReadiness({ reach, isEnding, clock, logger }: ReadinessDeps): OwnReadiness {
  const listeners = new Set<() => void>();
  let isStarted = false;
  let isolatedSinceMs: number | undefined;

  function changed(): void {
    for (const listener of listeners) listener();
  }

  const lost = () =>
    STORES.flatMap((store) => {
      const lostMs = reach.lostMs(store);
      return lostMs === undefined ? [] : [{ store, lostMs }];
    });

  return {
    status() {
      if (isEnding()) return "draining";
      if (!isStarted) return "starting";
      return isolatedSinceMs === undefined ? "ready" : "isolated";
    },
    checks() {
      const troubles = new Map(
        lost().map(({ store, lostMs }) => [store, `not reached for ${secondsOf(lostMs)} s`]),
      );
      const isolation =
        isolatedSinceMs === undefined
          ? undefined
          : `for ${secondsOf(clock.elapsed() - isolatedSinceMs)} s; another server reaches both stores`;
      return [
        { name: "started", trouble: isStarted ? undefined : "the roles are being started" },
        ...STORES.map((store) => ({ name: store, trouble: troubles.get(store) })),
        { name: "isolation", trouble: isolation },
        { name: "shutdown", trouble: isEnding() ? "the process is about to end" : undefined },
      ];
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    started() {
      isStarted = true;
      changed();
    },
    isolate(isIsolated) {
      if (isIsolated === (isolatedSinceMs !== undefined)) return;
      isolatedSinceMs = isIsolated ? clock.elapsed() : undefined;
      const told = { component: "server", lost: lost().map(({ store }) => store) };
      if (isIsolated)
        logger.warn(told, "isolated: another server reaches both stores; /readyz answers 503 from now on");
      else logger.info(told, "not isolated any more; /readyz answers 200 again");
      changed();
    },
  };
}

const secondsOf = (ms: number) => Math.round(ms / 1_000);

/** `readiness`, but draining once the signal fires. Without one: ready until then. */
export function untilStopping(readiness: Readiness | undefined, stopping: AbortSignal): Readiness {
  return {
    status: () => (stopping.aborted ? "draining" : (readiness?.status() ?? "ready")),
    checks: () =>
      (readiness?.checks() ?? [{ name: "shutdown", trouble: undefined }]).map((check) =>
        check.name === "shutdown" && stopping.aborted
          ? { ...check, trouble: "the server is about to end" }
          : check,
      ),
    onChange(listener) {
      const stop = readiness?.onChange(listener);
      stopping.addEventListener("abort", listener);
      return () => {
        stop?.();
        stopping.removeEventListener("abort", listener);
      };
    },
  };
}
