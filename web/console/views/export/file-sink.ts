/** Where the text of a download goes. */
export type FileSink = {
  write(text: string): Promise<void>;
  /** Completes the file, and hands it to the operator. */
  finish(): Promise<void>;
  /** Gives up: nothing that looks like a complete file stays. */
  abandon(): Promise<void>;
};

/** What the File System Access API needs here. Source: WICG, File System Access. */
type SavePicker = (options: {
  suggestedName: string;
  types: { description: string; accept: Record<string, string[]> }[];
}) => Promise<FileSystemFileHandle>;

export type FileWanted = {
  readonly name: string;
  /** Its media type, without parameters. */
  readonly type: string;
};

/** Text is handed on in pieces of this size. */
const PIECE_CHARACTERS = 1 << 20;

/**
 * The file that the operator chooses, where the browser can write to one; else a download when all is there.
 * @throws DOMException `AbortError` where the operator chooses none
 */
export async function openFile(wanted: FileWanted, from: Window = window): Promise<FileSink> {
  const picker = (from as { showSaveFilePicker?: SavePicker }).showSaveFilePicker;
  if (picker === undefined) return inPieces(blobSink(wanted));
  const ending = wanted.name.slice(wanted.name.lastIndexOf("."));
  const handle = await picker.call(from, {
    suggestedName: wanted.name,
    types: [{ description: wanted.name, accept: { [wanted.type]: [ending] } }],
  });
  return inPieces(writableSink(await handle.createWritable()));
}

/** The rows so far are in a temporary file of the browser; the chosen file is replaced at the end. */
function writableSink(writable: FileSystemWritableFileStream): FileSink {
  return {
    write: (text) => writable.write(text),
    finish: () => writable.close(),
    abandon: () => writable.abort().catch(() => undefined),
  };
}

/** Each piece is a Blob of its own, which the browser may keep on disk: the page's memory stays small. */
function blobSink({ name, type }: FileWanted): FileSink {
  let pieces: Blob[] = [];
  return {
    async write(text) {
      pieces.push(new Blob([text]));
    },
    async finish() {
      const address = URL.createObjectURL(new Blob(pieces, { type: `${type};charset=utf-8` }));
      pieces = [];
      const link = document.createElement("a");
      link.href = address;
      link.download = name;
      link.click();
      // The browser reads the address after the click has returned.
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    },
    async abandon() {
      pieces = [];
    },
  };
}

/** Few large writes in place of many small ones. */
export function inPieces(sink: FileSink, characters = PIECE_CHARACTERS): FileSink {
  let waiting: string[] = [];
  let length = 0;
  async function flush(): Promise<void> {
    if (length === 0) return;
    const text = waiting.join("");
    waiting = [];
    length = 0;
    await sink.write(text);
  }
  return {
    async write(text) {
      waiting.push(text);
      length += text.length;
      if (length >= characters) await flush();
    },
    async finish() {
      await flush();
      await sink.finish();
    },
    async abandon() {
      waiting = [];
      length = 0;
      await sink.abandon();
    },
  };
}
