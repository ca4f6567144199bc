import { PassThrough, Writable } from "node:stream";
import { environment, type Finished, type Surroundings } from "./run-cli.ts";

/**
 * The command in this process, over real HTTP: many runs take no time, where a process of its own takes a
 * third of a second of the processor. For what does not depend on the process, such as signals, locks and how
 * it was started.
 */
export async function runHere(
  args: readonly string[],
  surroundings: Pick<Surroundings, "url" | "env"> = {},
): Promise<Finished> {
  const told = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        told[name] += String(chunk);
        done();
      },
    });
  const { signal } = new AbortController();
  const env = environment(surroundings);
  const [stdout, stderr] = [into("stdout"), into("stderr")];
  // What it loads on demand is loaded as it is itself: an error is then of the class that it is compared
  // with.
  const { run } = await import("../../cli/run.ts");
  const code = await inZone(env["TZ"], () =>
    run({ args, env, stdin: new PassThrough(), stdout, stderr, signal }),
  );
  return { code, ...told };
}

let running = 0;
let outerZone: string | undefined;

function setZone(zone: string | undefined): void {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
}

/**
 * The zone is a property of the process, which looks again whenever TZ is set. Runs at the same time have the
 * same one.
 */
async function inZone<T>(zone: string | undefined, work: () => Promise<T>): Promise<T> {
  if (running === 0) outerZone = process.env["TZ"];
  else if (process.env["TZ"] !== zone) throw new Error("two zones at once in one process");
  running++;
  setZone(zone);
  try {
    return await work();
  } finally {
    if (--running === 0) setZone(outerZone);
  }
}
