import { spawn } from "node:child_process";
import { SetupError } from "./error.mjs";

const MAX_OUTPUT_CHARS = 200_000;
const LAST_LINES = 8;

/** Set by the first signal to end: no further command is started. */
let interrupted = false;
/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** From now on a signal ends the command under way; set-up undoes its temporary changes before it ends. */
export function endCommandsOnSignals() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      interrupted = true;
      for (const child of running) child.kill("SIGTERM");
    });
  }
}

/**
 * Runs a command to its end and prints nothing. When it fails, throws with the last lines of its output.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, advice: string }} options advice: what to do instead
 * @returns {Promise<void>}
 */
export async function runCommand(command, args, { cwd, env, advice }) {
  if (interrupted) throw new SetupError("interrupted");
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      output = (output + text).slice(-MAX_OUTPUT_CHARS);
    });
  }
  /** @type {string | undefined} */
  const failure = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`),
    );
  });
  running.delete(child);
  if (interrupted) throw new SetupError("interrupted");
  if (failure === undefined) return;
  const said = output.split("\n").filter((line) => line.trim() !== "");
  const words = said.slice(-LAST_LINES).map((line) => `\n  | ${line}`);
  const commandLine = [command, ...args.filter((arg) => !arg.startsWith("-") && !arg.includes("="))].join(
    " ",
  );
  throw new SetupError(`\`${commandLine}\` failed: ${failure}${words.join("")}\n${advice}`);
}
