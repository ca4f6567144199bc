import type { Writable } from "node:stream";
import { CommanderError } from "commander";
import { openClients } from "./client.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { describeFailure, type Failure } from "./failure.ts";
import { openOutput } from "./output.ts";
import { type Chosen, readArguments } from "./program.ts";
import { isPrivate, readSettings } from "./settings.ts";
import { systemZone } from "./zone.ts";

export interface Process {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
}

/** One run of the command: never throws, answers with the exit code. */
export async function run(given: Process): Promise<ExitCode> {
  const { args, env, stdout, stderr, signal } = given;
  // Known before the arguments are understood, because wrong usage is told in JSON too.
  const json = args.includes("--json");
  const colour = !args.includes("--no-color") && !env["NO_COLOR"];
  const output = openOutput({ stdout, stderr, json, colour, canDraw: env["TERM"] !== "dumb" });
  const fail = (failure: Failure, error: unknown): ExitCode => {
    output.fail(failure);
    if (env["COUPON_DEBUG"] === "1") stderr.write(`${stackOf(error)}\n`);
    return failure.exitCode;
  };

  let url = "";
  try {
    const chosen = await understood(args, stdout, stderr);
    if (typeof chosen === "number") return chosen;
    const settings = readSettings(chosen.globals, env);
    url = settings.url;
    if (settings.token !== undefined && !isPrivate(url)) {
      output.note(`the token goes to ${url} unencrypted; use https`);
    }
    await chosen.command.run({ settings, ...openClients(settings), output, signal }, chosen.input);
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return fail(usageFailure(error), error);
    return fail(describeFailure(error, { url, zone: systemZone(), interrupted: signal.aborted }), error);
  }
}

/** The command chosen, or the exit code where help was all that was wanted. */
async function understood(
  args: readonly string[],
  stdout: Writable,
  stderr: Writable,
): Promise<Chosen | ExitCode> {
  let help = "";
  const write = (text: string): void => {
    help += text;
  };
  try {
    const chosen = await readArguments(args.length === 0 ? ["--help"] : args, {
      writeOut: write,
      writeErr: () => undefined,
    });
    if (chosen !== undefined) return chosen;
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  const asked = args.length > 0;
  (asked ? stdout : stderr).write(help);
  return asked ? exitCodes.ok : exitCodes.usage;
}

function usageFailure(error: CommanderError): Failure {
  const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return { exitCode: exitCodes.usage, code: "usage", message, hint: "--help shows how it is used" };
}

const maxCauses = 10;

function stackOf(error: unknown): string {
  const stacks: string[] = [];
  let current = error;
  for (let depth = 0; current !== undefined && depth < maxCauses; depth++) {
    stacks.push(current instanceof Error ? (current.stack ?? current.message) : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return stacks.join("\ncaused by ");
}
