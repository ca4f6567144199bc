import { PassThrough, type Readable, Writable } from "node:stream";
import { environment, type Finished, type Surroundings } from "./run-cli.ts";

/**
 * Runs the command in this process, over real HTTP. Each run is quick, while a process of its own would take
 * a third of a second of processor time. Not for tests of process features such as signals, locks and the way
 * of its start.
 */
export async function runHere(
  args: readonly string[],
  surroundings: Pick<Surroundings, "url" | "env"> & {
    readonly stdin?: Readable;
    /** Called with all messages so far. */
    readonly onMessage?: (stderr: string) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Finished> {
  const told = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        told[name] += String(chunk);
        if (name === "stderr") surroundings.onMessage?.(told.stderr);
        done();
      },
    });
  const { signal = new AbortController().signal } = surroundings;
  const env = environment(surroundings);
  const [stdout, stderr] = [into("stdout"), into("stderr")];
  // `import()` uses the module loader that the command's own imports use: an error is then an instance of the
  // class with which a test compares it.
  const { run } = await import("../../cli/run.ts");
  const code = await inZone(env["TZ"], () =>
    run({ args, env, stdin: surroundings.stdin ?? new PassThrough(), stdout, stderr, signal }),
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
 * The time zone belongs to the process, and Node reads it again when TZ is set. Runs at the same time must
 * have the same zone.
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
