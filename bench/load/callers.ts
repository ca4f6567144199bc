import { fileURLToPath } from "node:url";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";
import { YIELDING, yieldSession } from "../rates/yielding.ts";
import { Trouble } from "../trouble.ts";
import type { CallerJob, CallerReport } from "./caller-jobs.ts";

export type Callers = {
  /** Runs a job; one at a time. */
  run(job: CallerJob, signal: AbortSignal): Promise<CallerReport>;
  stop(): Promise<void>;
};

type Reply = { readonly report: CallerReport } | { readonly trouble: string };

const ENTRY = fileURLToPath(new URL("caller-process.ts", import.meta.url));

/**
 * Starts the callers' process. It runs all jobs, so that its code is cold for the first one only. One that is
 * `yielding` has the lowest priority: callers bring machines of their own.
 */
export function startCallers({ yielding = false } = {}): Callers {
  const [command = process.execPath, ...args] = [
    ...(yielding ? YIELDING : []),
    ...[process.execPath, "--import", "tsx", ENTRY],
  ];
  const child = spawnKept(command, args, {
    env: inheritedEnvironment(),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = exitOf(child).then((exit): never => {
    throw new Trouble(`the callers' process ended (code ${exit.code}, signal ${exit.signal})`);
  });
  ended.catch(() => {});
  const yielded = yielding && child.pid !== undefined ? yieldSession(child.pid) : Promise.resolve();
  yielded.catch(() => {});
  let busy = false;

  return {
    async run(job, signal) {
      if (busy) throw new Error("the callers have a job already");
      busy = true;
      let forget = () => {};
      try {
        await yielded;
        const replied = new Promise<Reply>((resolve, reject) => {
          const onAbort = () => reject(signal.reason);
          child.once("message", resolve);
          signal.addEventListener("abort", onAbort, { once: true });
          forget = () => {
            child.off("message", resolve);
            signal.removeEventListener("abort", onAbort);
          };
        });
        signal.throwIfAborted();
        child.send(job);
        const reply = await Promise.race([replied, ended]);
        if ("trouble" in reply) throw new Trouble(`the callers: ${reply.trouble}`);
        return reply.report;
      } finally {
        forget();
        busy = false;
      }
    },
    stop: () => killChild(child),
  };
}
