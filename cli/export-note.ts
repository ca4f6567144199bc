import { emptyPrivateFile, openPrivateFile } from "../runtime/private-file.ts";
import { readSmallHandle, UnreadableFile } from "../runtime/small-file.ts";
import { UserError } from "./user-error.ts";

/** The identity of an export and its last kept place. */
export interface Checkpoint {
  /** Campaign, format and heading: only the same export may continue the draft. */
  readonly what: string;
  readonly pageToken: string;
  readonly rows: number;
  /** The length of the draft up to and with these rows. */
  readonly bytes: number;
  /** The lines in these bytes, with the heading: a draft with a hole has enough bytes, but fewer lines. */
  readonly lines: number;
}

/** Far more than a note has: the page token of the service is the longest part of it. */
const bytesMax = 64 * 1024;

/** Keeps the place, for the next export. */
export async function writeNote(path: string, place: Checkpoint): Promise<void> {
  const handle = await emptyPrivateFile(path);
  try {
    await handle.writeFile(JSON.stringify(place));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A note of another user could have an export leave rows out, so it is looked at as closely as the draft. */
export async function readNote(note: string, what: string): Promise<Checkpoint | undefined> {
  const handle = await openPrivateFile(note);
  if (handle === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse((await readSmallHandle(handle, bytesMax)).toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof UnreadableFile)) throw error;
  } finally {
    await handle.close();
  }
  if (!isCheckpoint(value))
    throw new UserError(`--resume: ${note} is not a note of this command`, { hint: "remove it" });
  if (value.what !== what) {
    throw new UserError("--resume: the export that was broken off there was another one", {
      hint: `give the same campaign and the same flags, or remove ${note}`,
    });
  }
  return value;
}

function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map(Object.entries(value));
  const texts = ["what", "pageToken"].every((name) => typeof fields.get(name) === "string");
  const counts = ["rows", "bytes", "lines"].map((name) => fields.get(name));
  return texts && counts.every((count) => Number.isSafeInteger(count) && Number(count) >= 0);
}
