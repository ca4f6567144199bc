import { EXIT, UserError } from "../runtime/user-error.ts";

/**
 * Why nothing can be written in a folder, for whoever set it. `what`: the setting, or what the folder is for.
 */
export function unusableFolder(what: string, folder: string, error: unknown): UserError {
  const why = (error as NodeJS.ErrnoException).code ?? String(error);
  return new UserError(
    `configuration: ${what}: ${folder} must be a folder that this user may write in (${why})`,
    EXIT.configuration,
    { cause: error },
  );
}
