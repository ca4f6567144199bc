import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { CsvError, parse } from "csv-parse";
import { unreadable } from "./file-trouble.ts";
import { UserError } from "./user-error.ts";

/**
 * A row of a file of codes: what stands where the code belongs, and the line on which it ends, from 1.
 * `isHeadless`: of the first row, that it may be a heading without the word code.
 */
export type CodeRow = { readonly text: string; readonly line: number; readonly isHeadless?: true };

/** What is told of a file before its codes are judged; a line of 0: none. */
export type FileLook = {
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly digest: string;
  readonly hasByteOrderMark: boolean;
  readonly crlfLines: number;
  readonly firstCrlfLine: number;
};

const CR = 0x0d;
const LF = 0x0a;
const MARK = Buffer.from("\ufeff");
const READ_BYTES = 256 * 1024;

/** Reads the bytes once. @throws UserError where it cannot be read */
export async function lookAt(path: string): Promise<FileLook> {
  const hash = createHash("sha256");
  let head = Buffer.alloc(0);
  let [lines, crlfLines, firstCrlfLine, last] = [0, 0, 0, 0];
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
      const bytes: Buffer = chunk;
      hash.update(bytes);
      if (head.length < MARK.length) head = Buffer.concat([head, bytes.subarray(0, MARK.length)]);
      for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
        lines += 1;
        if ((at === 0 ? last : bytes[at - 1]) !== CR) continue;
        crlfLines += 1;
        if (firstCrlfLine === 0) firstCrlfLine = lines;
      }
      last = bytes.at(-1) ?? last;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  const hasByteOrderMark = head.subarray(0, MARK.length).equals(MARK);
  return { digest: hash.digest("hex"), hasByteOrderMark, crlfLines, firstCrlfLine };
}

/**
 * The rows of a file, one by one. `.jsonl` and `.ndjson` have a JSON text a line, or an object with `code`;
 * any other file is CSV: the column `code` of its heading, or the only column.
 * @throws UserError where it cannot be read
 */
export async function* rowsOf(path: string): AsyncGenerator<CodeRow> {
  try {
    yield* /\.(jsonl|ndjson)$/i.test(path) ? jsonRows(path) : csvRows(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(path, error instanceof CsvError ? error.message : error);
  }
}

async function* csvRows(path: string): AsyncGenerator<CodeRow> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const parser = file.pipe(
    parse({
      ...{ bom: true, info: true, skip_empty_lines: true, relax_column_count: true, relax_quotes: true },
      ...{ delimiter: [",", ";", "\t"], record_delimiter: ["\r\n", "\n", "\r"] },
    }),
  );
  file.on("error", (error) => parser.destroy(error));
  let column: number | undefined;
  let width = 0;
  try {
    for await (const { record, info } of parser) {
      const cells: readonly string[] = record;
      const isFirst = column === undefined;
      if (column === undefined) {
        const named = cells.findIndex((cell) => cell.trim().toLowerCase() === "code");
        if (named < 0 && cells.length > 1)
          throw new UserError(`--codes: none of the ${cells.length} columns of "${path}" is called code`, {
            hint: "write code into the heading of the right one, or leave the others out",
          });
        column = Math.max(0, named);
        width = cells.length;
        if (named >= 0) continue;
      }
      // A row with more cells than columns: its code may have been cut at a comma.
      const isWider = cells.slice(width).some((cell) => cell.trim() !== "");
      const text = isWider ? cells.join(",") : (cells[column ?? 0] ?? "");
      yield isFirst ? { text, line: info.lines, isHeadless: true } : { text, line: info.lines };
    }
  } finally {
    file.destroy();
  }
}

async function* jsonRows(path: string): AsyncGenerator<CodeRow> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const lines = createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      const bare = (line === 1 ? text.replace(/^\ufeff/, "") : text).trim();
      if (bare !== "") yield { text: codeIn(bare), line };
    }
  } finally {
    file.destroy();
  }
}

/** Of a line that has no code, nothing: the service answers that it is empty. */
function codeIn(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "string") return value;
    const code: unknown = Object(value).code;
    return typeof code === "string" ? code : "";
  } catch {
    return "";
  }
}
