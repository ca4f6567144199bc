import { counted, grouped } from "../runtime/counting.ts";
import type { Input } from "./command.ts";
import { createdAlready } from "./created-already.ts";
import { dryRunMode } from "./dry-run-mode.ts";
import { printable } from "./render.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

/**
 * The file of `--codes`; undefined: the service makes the codes.
 * @throws UserError for what goes without it
 */
export function codesPathOf(input: Input): string | undefined {
  const path = input.text("--codes");
  if (path === undefined) {
    if (input.text("--faults") !== undefined) throw new UserError("--faults goes with --codes only");
    if (input.text("--total") === undefined)
      throw new UserError("--total is missing", { hint: "--help shows an example" });
    return undefined;
  }
  if (input.text("--format") !== undefined)
    throw new UserError("--format goes without --codes: the file has the codes as they are");
  if (dryRunMode(input) !== undefined)
    throw new UserError("--dry-run goes without --codes: to be judged, the codes must be sent");
  if (input.text("--every") !== undefined)
    throw new UserError("--every goes without --codes: each campaign of a series has codes of its own");
  return path;
}

/**
 * The import of the file, if there is one: all its codes are judged, and none has a fault. `total`: as given.
 */
export async function broughtCodes(
  session: Session,
  path: string | undefined,
  input: Input,
  total: number | undefined,
) {
  if (path === undefined) return undefined;
  const { importCodes } = await import("./code-import.ts");
  const brought = await importCodes(session, path, input.text("--faults"));
  const { id } = brought;
  if (total === undefined || total === brought.total)
    return {
      ...brought,
      // The import becomes the campaign: the same command after a kill finds it.
      requestId: `codes ${id}`,
      refused: (error: unknown) =>
        createdAlready(
          error,
          `the codes of "${printable(path)}" are those of campaign ${id} already`,
          `coupon get ${id} shows it; the very same properties do, too (a relative --start or --end differs each time)`,
        ),
    };
  throw new UserError(`--total is ${grouped(total)}, but the file has ${counted(brought.total, "code")}`, {
    hint: "leave --total out",
  });
}
