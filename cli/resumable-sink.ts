import { type FileHandle, lstat, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { emptyPrivateFile, openPrivateFile } from "../runtime/private-file.ts";
import { type Checkpoint, readNote, writeNote } from "./export-note.ts";
import { takeFileLock } from "./file-lock.ts";
import { orUserError, writeWhole } from "./file-trouble.ts";
import { targetOf } from "./output-target.ts";
import type { Sink } from "./sink.ts";
import { UserError } from "./user-error.ts";

export interface ResumableSink extends Sink {
  /** The place at which an earlier export ended; undefined: this export begins anew. */
  readonly from: Checkpoint | undefined;
  /** Called when all rows before this page token have been written. */
  reached(pageToken: string, rows: number): Promise<void>;
  /** The number of rows with which the next export would begin: those that are on disk for certain. */
  readonly rowsKept: number;
  /** Instead of `abandon`: removes the draft, so that the next export begins anew. */
  discard(): Promise<void>;
}

/** The least time between two kept places: each of them waits for the disk twice. */
const keepEveryMs = 500;
const newline = 0x0a;
const readBytes = 1 << 20;

/**
 * Writes a draft beside the file, which stays when the process ends or is killed, and a note with the last
 * place that is on disk for certain. The next export cuts the draft there and continues: no row is written
 * twice, none is lost. At the end the draft is renamed to the file. A lock excludes other exports from the
 * draft.
 */
export async function resumableSink(path: string, what: string): Promise<ResumableSink> {
  const target = await targetOf(path, "--out", "name a file");
  const beside = (ending: string): string => join(dirname(target), `.${basename(target)}.resume.${ending}`);
  const [draft, note] = [beside("part"), beside("json")];
  const lock = await orUserError(path, () => takeFileLock(beside("lock"), `an export to ${path}`));
  try {
    const begun = await orUserError(path, () => openDraft(draft, note, what));
    return writeDraft({ ...begun, path, target, draft, note, what, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface Draft {
  readonly handle: FileHandle;
  readonly from: Checkpoint | undefined;
}

interface DraftPlaces {
  readonly path: string;
  readonly target: string;
  readonly draft: string;
  readonly note: string;
  readonly what: string;
  readonly lock: Awaited<ReturnType<typeof takeFileLock>>;
}

/** Opens the draft, cut at the place in its note; a new one where there is none. */
async function openDraft(draft: string, note: string, what: string): Promise<Draft> {
  const from = await readNote(note, what);
  if (from !== undefined) {
    const handle = await openPrivateFile(draft);
    if (handle !== undefined) {
      try {
        await cutTo(handle, from, draft, note);
        return { handle, from };
      } catch (error) {
        await handle.close();
        throw error;
      }
    }
    // The draft was renamed to the file, or another process or user removed it. A note without a draft would
    // not fit the new draft.
    await unlink(note);
  }
  return { handle: await emptyPrivateFile(draft), from: undefined };
}

async function cutTo(handle: FileHandle, from: Checkpoint, draft: string, note: string): Promise<void> {
  const { size } = await handle.stat();
  const why =
    size < from.bytes
      ? "is shorter than its note"
      : (await linesIn(handle, from.bytes)) === from.lines
        ? undefined
        : "does not have the lines that its note counts";
  if (why !== undefined)
    throw new UserError(`--resume: ${draft} ${why}`, {
      hint: `remove it and ${note}, and export from the start`,
    });
  await handle.truncate(from.bytes);
}

function writeDraft(given: Draft & DraftPlaces): ResumableSink {
  const { handle, from, path, target, draft, note, what, lock } = given;
  let { bytes, lines } = from ?? { bytes: 0, lines: 0 };
  // The first place is kept at once.
  let keptAtMs = Number.NEGATIVE_INFINITY;
  let last: Checkpoint | undefined;
  let rowsKept = from?.rows ?? 0;

  async function keep(): Promise<void> {
    if (last === undefined) return;
    const place = last;
    await lock.assertHeld();
    // First the rows, then the note about them: so the note is right at whatever moment the process or the
    // machine crashes.
    await handle.datasync();
    await writeNote(`${note}.new`, place);
    await rename(`${note}.new`, note);
    rowsKept = place.rows;
    keptAtMs = performance.now();
  }

  /** Checks that the file holds what was written, and that its name still refers to the same file. */
  async function assertWhole(): Promise<void> {
    await lock.assertHeld();
    const [held, named] = await Promise.all([handle.stat(), lstat(draft)]);
    const same = held.ino === named.ino && held.dev === named.dev && held.size === bytes;
    if (same && (await linesIn(handle, bytes)) === lines) return;
    throw new UserError(`--resume: ${draft} is not what was written: something else changed it`, {
      hint: `remove it and ${note}, and export from the start`,
    });
  }

  return {
    from,
    get rowsKept() {
      return rowsKept;
    },
    write: (text) =>
      orUserError(path, async () => {
        const data = Buffer.from(text);
        await writeWhole(handle, data, bytes);
        bytes += data.length;
        lines += newlinesIn(data);
      }),
    reached(pageToken, rows) {
      last = { what, pageToken, rows, bytes, lines };
      return performance.now() - keptAtMs < keepEveryMs ? Promise.resolve() : orUserError(path, keep);
    },
    finish: () =>
      orUserError(path, async () => {
        await handle.datasync();
        await assertWhole();
        await handle.close();
        await rename(draft, target);
        await unlink(note).catch(() => undefined);
        await lock.release();
      }),
    async discard() {
      await handle.close().catch(() => undefined);
      // The note is removed first: a draft without a note is begun anew, but a note must not refer to a
      // missing draft.
      const held = await lock.assertHeld().then(
        () => true,
        () => false,
      );
      rowsKept = 0;
      last = undefined;
      if (held) for (const file of [note, draft]) await unlink(file).catch(() => undefined);
      await lock.release();
    },
    async abandon() {
      // The part of a batch that a full disk took is cut off: it is of no use, and the note may need the
      // space.
      await lock
        .assertHeld()
        .then(() => handle.truncate(bytes))
        .then(keep)
        .catch(() => undefined);
      await handle.close().catch(() => undefined);
      await lock.release();
    },
  };
}

/** The number of lines in the first `bytes`. */
async function linesIn(handle: FileHandle, bytes: number): Promise<number> {
  const buffer = Buffer.alloc(Math.min(readBytes, bytes));
  let lines = 0;
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
    if (bytesRead === 0) break;
    lines += newlinesIn(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return lines;
}

function newlinesIn(data: Buffer): number {
  let lines = 0;
  for (let at = data.indexOf(newline); at !== -1; at = data.indexOf(newline, at + 1)) lines++;
  return lines;
}
