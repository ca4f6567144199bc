import { lstat, realpath, stat } from "node:fs/promises";
import { UserError } from "./user-error.ts";

/**
 * The file that a path to write to leads to: an operator's own link is followed, so that the link stays and
 * its target is replaced. @throws UserError where that is no file, or another user made the link
 */
export async function targetOf(path: string, flag: string, hint: string): Promise<string> {
  const named = await lstat(path).catch(() => undefined);
  // Root could give its own files to others, so its links are trusted as much as the operator's own.
  if (named?.isSymbolicLink() && ![0, process.geteuid?.()].includes(named.uid))
    throw new UserError(`${flag}: "${path}" is a link that another user made (uid ${named.uid})`, {
      hint: "remove it, or name a file in a folder where only you may write",
    });
  const existing = await stat(path).catch(() => undefined);
  // A rename would put a file in the place of a device or a pipe.
  if (existing !== undefined && !existing.isFile())
    throw new UserError(`${flag}: "${path}" is not a file`, { hint });
  return existing === undefined ? path : await realpath(path);
}
