import { EXIT, UserError } from "../runtime/user-error.ts";

/**
 * The error for a folder in which nothing can be written. `what`: the setting, or the folder's purpose.
 */
export function unusableFolder(what: string, folder: string, error: unknown): UserError {
  const why = (error as NodeJS.ErrnoException).code ?? String(error);
  return new UserError(
    `configuration: ${what}: ${folder} must be a folder that this user may write in (${why})`,
    EXIT.configuration,
    { cause: error },
  );
}
