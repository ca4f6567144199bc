import type { Readable } from "node:stream";
import { CommanderError } from "commander";
import { createRedactor, type Secrets } from "../runtime/redactor.ts";
import { openClients } from "./client.ts";
import { complete } from "./complete.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { describeFailure, type Failure, type FailureContext } from "./failure.ts";
import { openOutput, type Screen } from "./output.ts";
import { type Chosen, commands, readArguments } from "./program.ts";
import { openPrompt } from "./prompt.ts";
import type { Session } from "./session.ts";
import { type GlobalOptions, isPrivate, readSettings } from "./settings.ts";
import { completeVerb } from "./shell-scripts.ts";
import { defaultColumns } from "./wrap.ts";
import { systemZone } from "./zone.ts";

export interface Process {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly signal: AbortSignal;
}

/** One run of the command: never throws, answers with the exit code. */
export async function run(given: Process): Promise<ExitCode> {
  const { args, env, stdin, stdout, stderr, signal } = given;
  // Known before the arguments are understood, because wrong usage is told in JSON too.
  const json = args.includes("--json");
  const colour = !args.includes("--no-color") && !env["NO_COLOR"];
  let redact = createRedactor(givenSecrets(args, env));
  const output = openOutput({
    ...{ stdout, stderr, json, colour, canDraw: env["TERM"] !== "dumb" },
    redact: (text) => redact(text),
  });
  const fail = (failure: Failure, error: unknown): ExitCode => {
    output.fail(failure);
    if (env["COUPON_DEBUG"] === "1") stderr.write(`${redact(stackOf(error))}\n`);
    return failure.exitCode;
  };

  const openSession = (globals: GlobalOptions): Session => {
    const file = readConfigFile(env);
    redact = createRedactor(givenSecrets(args, env, file));
    const settings = readSettings(globals, env, file);
    return {
      settings,
      ...openClients(settings),
      output,
      prompt: openPrompt({ stdin, stderr, json }),
      stdin,
      unicode: knowsUnicode(env),
      signal,
    };
  };
  if (args[0] === completeVerb) return answerCompletion(given, openSession);

  let known: Partial<FailureContext> = {};
  try {
    const chosen = await understood(args, stdout, stderr);
    if (typeof chosen === "number") return chosen;
    known = { verb: chosen.command.name };
    const session = openSession(chosen.globals);
    const { settings } = session;
    const { url, origins } = settings;
    known = {
      ...known,
      ...{ url, urlFrom: origins.url, campaignId: chosen.input.givenCampaignId(chosen.command) },
      tokenFrom: settings.token === undefined ? undefined : origins.token,
    };
    for (const warning of settings.warnings) output.note(warning);
    if (settings.token !== undefined && !isPrivate(url)) {
      output.note(`the token goes to ${url} unencrypted; use https`);
    }
    await chosen.command.run(session, chosen.input);
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return fail(usageFailure(error, args), error);
    const context = { url: "", zone: systemZone(), interrupted: signal.aborted, ...known };
    return fail(describeFailure(error, context), error);
  }
}

/** A shell waits for this in the middle of a line: it gets candidates or nothing, never an error. */
async function answerCompletion(
  { args, env, stdout }: Process,
  openSession: (globals: GlobalOptions) => Session,
): Promise<ExitCode> {
  try {
    stdout.write(await complete(args.slice(1), env, openSession));
    return exitCodes.ok;
  } catch {
    return exitCodes.unavailable;
  }
}

/** The command chosen, or the exit code where help was all that was wanted. */
async function understood(
  args: readonly string[],
  stdout: Screen,
  stderr: Screen,
): Promise<Chosen | ExitCode> {
  const asked = args.length > 0;
  let help = "";
  const write = (text: string): void => {
    help += text;
  };
  try {
    const chosen = await readArguments(args.length === 0 ? ["--help"] : args, {
      writeOut: write,
      writeErr: () => undefined,
      columns: (asked ? stdout : stderr).columns ?? defaultColumns,
    });
    if (chosen !== undefined) return chosen;
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  (asked ? stdout : stderr).write(help);
  return asked ? exitCodes.ok : exitCodes.usage;
}

const bareDate = /^\d{4}-\d{2}-\d{2}$/;

function usageFailure(error: CommanderError, args: readonly string[]): Failure {
  const verb = commands.find(({ name }) => args.includes(name));
  const help = `coupon ${verb === undefined ? "" : `${verb.name} `}--help shows how it is used`;
  const told = { exitCode: exitCodes.usage, code: "usage" };
  if (error.code === "commander.missingArgument" && verb?.takesCampaign === true) {
    return { ...told, message: "the campaign id is missing", hint: `coupon list shows them; ${help}` };
  }
  const message = error.message.replace(/^error: |\.$/g, "").replaceAll("\n", " ");
  const unquoted = error.code === "commander.excessArguments" && args.some((arg) => bareDate.test(arg));
  const quotes = 'an instant with spaces needs quotes, as in "2026-12-24 20:00 Asia/Seoul"';
  return { ...told, message, hint: unquoted ? quotes : help };
}

/** Every URL and token that was given, in force or not. */
function givenSecrets(args: readonly string[], env: NodeJS.ProcessEnv, file?: ConfigFile): Secrets {
  const flag = (name: string) =>
    args.flatMap((arg, i) =>
      arg === name ? [args[i + 1]] : arg.startsWith(`${name}=`) ? [arg.slice(name.length + 1)] : [],
    );
  const profiles = [...(file?.profiles.values() ?? [])];
  return {
    urls: [env["COUPON_URL"], ...flag("--url"), ...profiles.map(({ url }) => url)],
    secrets: [env["COUPON_TOKEN"], ...flag("--token"), ...profiles.map(({ token }) => token)],
  };
}

/** As the C library decides it: the first of these that is set counts. Nothing set: terminals of today. */
function knowsUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return locale === "" || /utf-?8/i.test(locale);
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
