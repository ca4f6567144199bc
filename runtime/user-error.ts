/** Exit codes of the service, listed on docs/operations.md. */
export const EXIT = {
  ok: 0,
  bug: 1,
  configuration: 2,
  storeUnavailable: 3,
  portTaken: 4,
  drainTimedOut: 5,
} as const;

/**
 * A fault that the person who started the process can correct: shown as one line without a stack trace.
 * Everything else that reaches the top is a bug and is shown whole.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.configuration, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
