import { createReadStream } from "node:fs";

export type Line = {
  /** From 1. */
  readonly number: number;
  /** Without the line end. */
  readonly text: string;
  /** False: the file ends before the line does. */
  readonly ended: boolean;
};

export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of a file, of which no more than one is held in memory, and none longer than `bytesMax`. @throws
 * LineTooLong
 */
export async function* linesOf(file: string, bytesMax: number): AsyncGenerator<Line> {
  let number = 1;
  let begun: Buffer[] = [];
  let begunBytes = 0;

  function take(part: Buffer): void {
    begunBytes += part.length;
    if (begunBytes > bytesMax) throw new LineTooLong(`line ${number} is longer than ${bytesMax} bytes`);
    begun.push(part);
  }
  function line(ended: boolean): Line {
    const bytes = begun.length === 1 ? (begun[0] as Buffer) : Buffer.concat(begun);
    const end = ended && bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length;
    const told = { number, text: bytes.toString("utf8", 0, end), ended };
    number += 1;
    begun = [];
    begunBytes = 0;
    return told;
  }

  for await (const chunk of createReadStream(file)) {
    const data: Buffer = chunk;
    let from = 0;
    for (let to = data.indexOf(NEWLINE); to !== -1; to = data.indexOf(NEWLINE, from)) {
      take(data.subarray(from, to));
      yield line(true);
      from = to + 1;
    }
    if (from < data.length) take(data.subarray(from));
  }
  if (begunBytes > 0) yield line(false);
}
