import { StringDecoder } from "node:string_decoder";

const MAX_LINE_CHARS = 65_536;

type Listener = (line: string) => void;

/** The last lines that a process wrote, at most `capacity`; listeners are called with each line. */
export class LineRing {
  readonly #capacity: number;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<Listener>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  onLine(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds the lines of a stream; several streams may share one ring. */
  read(stream: NodeJS.ReadableStream): void {
    const decoder = new StringDecoder("utf8");
    let partial = "";
    stream.on("data", (chunk: Buffer) => {
      const pieces = (partial + decoder.write(chunk)).split("\n");
      partial = pieces.pop() ?? "";
      for (const line of pieces) this.#add(line);
      if (partial.length > MAX_LINE_CHARS) {
        this.#add(partial);
        partial = "";
      }
    });
    stream.on("end", () => {
      if (partial !== "") this.#add(partial);
    });
  }

  #add(line: string): void {
    this.#lines.push(line.slice(0, MAX_LINE_CHARS));
    if (this.#lines.length > this.#capacity) this.#lines.shift();
    for (const listener of this.#listeners) listener(line);
  }
}
