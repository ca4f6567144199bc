import { open, readFile, realpath, rename, stat, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Sink } from "./sink.ts";
import { UserError } from "./user-error.ts";

/** What an export was when it broke, and how far it had come. */
export interface Checkpoint {
  /** Campaign, format and heading: what is gone on with must be the same. */
  readonly what: string;
  readonly pageToken: string;
  readonly rows: number;
  /** The length of the draft up to and with these rows. */
  readonly bytes: number;
}

export interface ResumableSink extends Sink {
  /** Where an earlier export had come; undefined: this one begins. */
  readonly from: Checkpoint | undefined;
  /** What was written so far is whole up to this token. */
  reached(pageToken: string, rows: number): Promise<void>;
}

/** A place is kept at most so often: each costs two waits for the disk. */
const keepEveryMs = 500;

/**
 * Writes a draft beside the file that outlives the process, also one that is killed, with a note of the last place that is on disk for certain. The next
 * export cuts the draft there and goes on: no row twice, none lost. At the end the draft becomes the file.
 */
export async function resumableSink(path: string, what: string): Promise<ResumableSink> {
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile())
    throw new UserError(`--out: "${path}" is not a file`, { hint: "name a file" });
  const target = existing === undefined ? path : await realpath(path);
  const draft = join(dirname(target), `.${basename(target)}.resume.part`);
  const note = join(dirname(target), `.${basename(target)}.resume.json`);
  const from = await readNote(note, what);
  // Codes are worth money: for their owner only.
  const handle = await orUserError(path, () => open(draft, from === undefined ? "w" : "r+", 0o600));
  let bytes = from?.bytes ?? 0;
  // The first place is kept at once.
  let keptAtMs = Number.NEGATIVE_INFINITY;
  let last: Checkpoint | undefined;

  async function keep(): Promise<void> {
    if (last === undefined) return;
    // First what the note speaks of, then the note: whichever moment the process or the machine dies in.
    await handle.datasync();
    await writeFile(`${note}.new`, JSON.stringify(last), { mode: 0o600, flush: true });
    await rename(`${note}.new`, note);
    keptAtMs = performance.now();
  }

  if (from !== undefined) {
    const { size } = await handle.stat();
    if (size < from.bytes) {
      await handle.close();
      throw new UserError(`--resume: ${draft} is shorter than its note says`, {
        hint: `remove it and ${note}, and export from the start`,
      });
    }
    await handle.truncate(from.bytes);
  }

  return {
    from,
    write: (text) =>
      orUserError(path, async () => {
        const data = Buffer.from(text);
        await handle.write(data, 0, data.length, bytes);
        bytes += data.length;
      }),
    reached(pageToken, rows) {
      last = { what, pageToken, rows, bytes };
      return performance.now() - keptAtMs < keepEveryMs ? Promise.resolve() : orUserError(path, keep);
    },
    finish: () =>
      orUserError(path, async () => {
        await handle.datasync();
        await handle.close();
        await rename(draft, target);
        await unlink(note).catch(() => undefined);
      }),
    async abandon() {
      await keep().catch(() => undefined);
      await handle.close().catch(() => undefined);
    },
  };
}

async function readNote(note: string, what: string): Promise<Checkpoint | undefined> {
  const text = await readFile(note, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
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
  return texts && ["rows", "bytes"].every((name) => Number.isSafeInteger(fields.get(name)));
}

async function orUserError<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new UserError(`--out: cannot write "${path}": ${why}`, {
      hint: "check the folder, its permissions and the space left",
      cause: error,
    });
  }
}
