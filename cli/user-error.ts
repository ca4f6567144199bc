import { type ExitCode, exitCodes } from "./exit-code.ts";

interface UserErrorOptions {
  readonly hint?: string;
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

/**
 * Something the operator can put right: one line, and what to do next. Anything else that is thrown is a bug.
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

/** A call whose outcome is unknown, with what only the command knows: how to ask again safely. */
export class UncertainCall extends Error {
  override readonly name = "UncertainCall";
  readonly advice: string;

  constructor(cause: unknown, advice: string) {
    super(advice, { cause });
    this.advice = advice;
  }
}
