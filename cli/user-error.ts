import { type ExitCode, exitCodes } from "./exit-code.ts";

interface UserErrorOptions {
  readonly hint?: string;
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

/**
 * An error that the operator can correct: one line, and what to do next. An error that is neither this nor
 * from a call is a bug.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.hint = options.hint ?? "";
    this.exitCode = options.exitCode ?? exitCodes.usage;
  }
}

/**
 * An error that the operator can correct and that kept a call from being sent: the RPC library has wrapped
 * it.
 */
export function userErrorIn(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof UserError ? cause : undefined;
}

/** A call whose outcome is unknown, with the advice how the operator can safely repeat it. */
export class UncertainCall extends Error {
  override readonly name = "UncertainCall";
  readonly advice: string;

  constructor(cause: unknown, advice: string) {
    super(advice, { cause });
    this.advice = advice;
  }
}
