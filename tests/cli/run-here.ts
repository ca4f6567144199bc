import { PassThrough, Writable } from "node:stream";
import { run } from "../../cli/run.ts";

/** The command in this process: many runs take no time. For what does not depend on the process, such as signals and how it was started. */
export async function runHere(
  args: readonly string[],
  url?: string,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const told = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        told[name] += String(chunk);
        done();
      },
    });
  const { signal } = new AbortController();
  const env = { XDG_CONFIG_HOME: "/nonexistent", ...(url === undefined ? {} : { COUPON_URL: url }) };
  const [stdout, stderr] = [into("stdout"), into("stderr")];
  const code = await run({ args, env, stdin: new PassThrough(), stdout, stderr, signal });
  return { code, ...told };
}
