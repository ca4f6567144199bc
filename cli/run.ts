import type { Readable } from "node:stream";
import { createRedactor, type Secrets } from "../runtime/redactor.ts";
import { perform } from "./actions.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import type { Failure } from "./failure.ts";
import type { FailureContext } from "./failure-context.ts";
import { spelledAs } from "./invocation.ts";
import { withLocalKey } from "./local-key.ts";
import { sendsToken, withLogin } from "./login/kept-login.ts";
import { standardInput, tokenFromStdin } from "./operator-token.ts";
import { openOutput, type Screen } from "./output.ts";
import { openPrompt } from "./prompt.ts";
import { printable } from "./render.ts";
import type { LocalSession } from "./session.ts";
import { type GlobalOptions, isPrivate, readSettings } from "./settings.ts";
import { completeVerb } from "./shell-scripts.ts";
import { drawnFor, takesUtf8 } from "./terminal-signs.ts";
import { defaultColumns } from "./wrap.ts";
import { systemZone } from "./zone.ts";

export interface Process {
  /** The words that the operator types before the verb (cli/invocation.ts); undefined: coupon. */
  readonly invocation?: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly signal: AbortSignal;
}

/** One run of the command: never throws, returns the exit code. */
export async function run(given: Process): Promise<ExitCode> {
  const { invocation = "coupon", args, env, stdin, stdout, stderr, signal } = given;
  // Read before the arguments are parsed, because wrong usage is reported in JSON too.
  const json = args.includes("--json");
  const colour = !args.includes("--no-color") && !env["NO_COLOR"];
  let redact = createRedactor(givenSecrets(args, env));
  const unicode = takesUtf8(env);
  const output = openOutput({
    ...{ stdout, stderr, json, colour, unicode },
    canDraw: env["TERM"] !== "dumb",
    redact: (text) => redact(text),
    spelled: spelledAs(invocation),
  });
  const fail = (failure: Failure, error: unknown): ExitCode => {
    output.fail(failure);
    if (env["COUPON_DEBUG"] === "1")
      stderr.write(`${redact(stackOf(error)).split("\n").map(printable).join("\n")}\n`);
    return failure.exitCode;
  };

  const openSession = async (globals: GlobalOptions): Promise<LocalSession> => {
    const file = await readConfigFile(env);
    redact = createRedactor(givenSecrets(args, env, file));
    const conceal = (token: string) => {
      redact = createRedactor(givenSecrets(args, env, file, [token]));
    };
    const fromStdin = globals.tokenFile === standardInput ? await tokenFromStdin(stdin) : undefined;
    const settings = withLocalKey(withLogin(readSettings(globals, env, file, fromStdin), conceal), env);
    if (settings.token !== undefined) conceal(settings.token);
    return {
      settings,
      output,
      prompt: openPrompt({ stdin, stderr, json }),
      stdin,
      unicode,
      signal,
    };
  };
  if (args[0] === completeVerb) return answerCompletion(given, openSession);

  let known: Partial<FailureContext> = {};
  try {
    const { readArguments } = await import("./program.ts");
    const helpless = args.length === 0;
    const columns = (helpless ? stderr : stdout).columns ?? defaultColumns;
    const asked = await readArguments({ invocation, args: helpless ? ["--help"] : args, columns });
    if (asked.kind === "wrong") return fail(asked.failure, asked.error);
    if (asked.kind === "help") {
      (helpless ? stderr : stdout).write(drawnFor(unicode, asked.text));
      return helpless ? exitCodes.usage : exitCodes.ok;
    }
    const { command, input } = asked;
    known = { verb: command.name };
    const session = await openSession(asked.globals);
    const { settings } = session;
    const { url, origins } = settings;
    known = {
      ...known,
      ...{ url, urlFrom: origins.url, campaignId: input.givenCampaignId(command) },
      tokenFrom: sendsToken(settings) ? origins.token : undefined,
    };
    for (const warning of settings.warnings) output.note(warning);
    if (sendsToken(settings) && !isPrivate(url)) {
      output.note(`the token goes to ${url} unencrypted; use https`);
    }
    await perform(command, session, input);
    return exitCodes.ok;
  } catch (error) {
    // Loaded only after an error: it imports the RPC library.
    const { describeFailure } = await import("./failure.ts");
    const context = { url: "", zone: systemZone(), interrupted: signal.aborted, ...known };
    return fail(describeFailure(error, context), error);
  }
}

/** The shell waits for this while a line is typed: it gets candidates or nothing, never an error. */
async function answerCompletion(
  { args, env, stdout }: Process,
  openSession: (globals: GlobalOptions) => Promise<LocalSession>,
): Promise<ExitCode> {
  try {
    const { complete } = await import("./complete.ts");
    stdout.write(await complete(args.slice(1), env, openSession));
    return exitCodes.ok;
  } catch {
    return exitCodes.unavailable;
  }
}

/** Every URL and token that was given, in force or not. */
function givenSecrets(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  file?: ConfigFile,
  more: readonly string[] = [],
): Secrets {
  const flag = (name: string) =>
    args.flatMap((arg, i) =>
      arg === name ? [args[i + 1]] : arg.startsWith(`${name}=`) ? [arg.slice(name.length + 1)] : [],
    );
  const profiles = [...(file?.profiles.values() ?? [])];
  return {
    urls: [env["COUPON_URL"], env["COUPON_PUBLIC_URL"], ...flag("--url"), ...profiles.map(({ url }) => url)],
    secrets: [
      ...["COUPON_TOKEN", "COUPON_CLAIM_TOKEN", "CLAIM_TOKEN_SECRET"].map((name) => env[name]),
      ...flag("--token"),
      ...profiles.map(({ token }) => token),
      ...more,
    ],
  };
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
