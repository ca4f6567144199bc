import { EXIT, UserError } from "../../runtime/user-error.ts";
import type { StartTrouble } from "./messages.ts";

/** How a worker ended: by itself, with an exit code, or by a signal. */
export type End = { readonly code: number | null; readonly signal: string | null };

/** The error of a worker that could not start: its own, as far as it has told it. */
export function errorOf(number: number, { code, signal }: End, trouble: StartTrouble | undefined): Error {
  if (trouble === undefined) {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    return new UserError(`worker ${number} has ended (${how})`, code || EXIT.bug);
  }
  if (trouble.known) return new UserError(trouble.told, trouble.exitCode);
  const error = new Error(trouble.told.split("\n", 1)[0]);
  error.stack = trouble.told;
  return error;
}
