import { redactCrashes } from "../runtime/crash.ts";
import { redactorOf } from "../runtime/redactor.ts";
import { visible } from "../runtime/visible.ts";
import { createReleases, type Releases } from "./releases.ts";
import { abortOnSignals, Interrupted, inOneLine } from "./trouble.ts";

export type CommandRun = { readonly releases: Releases; readonly controller: AbortController };

/** The longest time from the last line of output to the end of the process. */
const LINGER_MS = 5_000;

/**
 * Runs a command and releases its resources: Ctrl-C aborts, all resources are released before the last line
 * is printed, and an error is one line on standard error (with COUPON_DEBUG also its stack trace). Sets the
 * exit code: that of `work`, 2 where it could not run, 130 for Ctrl-C.
 */
export async function runCommand(
  name: string,
  work: (run: CommandRun) => Promise<{ readonly exitCode: number; readonly lastWord?: string }>,
): Promise<void> {
  const releases = createReleases();
  const controller = new AbortController();
  const redact = redactorOf(process.env);
  const say = (text: string) => void process.stderr.write(`${name}: ${visible(redact(text))}\n`);
  redactCrashes(redact);
  const giveBack = async () => {
    for (const trouble of await releases.all()) say(`cleaning up: ${trouble}`);
  };
  abortOnSignals(controller);
  try {
    const { exitCode, lastWord } = await work({ releases, controller });
    await giveBack();
    if (lastWord !== undefined) process.stdout.write(`${lastWord}\n`);
    process.exitCode = exitCode;
  } catch (error) {
    await giveBack();
    const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
    const interrupted = reason instanceof Interrupted;
    const words = interrupted ? "interrupted, everything was stopped and removed" : inOneLine(reason);
    say(words);
    if (process.env["COUPON_DEBUG"] && reason instanceof Error) say(reason.stack ?? "");
    process.exitCode = interrupted ? 130 : 2;
  }
  // A hanging call, such as a builder that never answers, must not keep a finished command from ending.
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
