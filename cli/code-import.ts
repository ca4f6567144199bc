import { writeFile } from "node:fs/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { enumName } from "../proto/enum-name.ts";
import {
  type CodeFault,
  CodeFaultKind,
  CodeFaultKindSchema,
  type CodeImport,
  CodeImportState,
} from "../proto/gen/coupon/v1/code_import_pb.ts";
import { counted, grouped } from "../runtime/counting.ts";
import { type Bar, fittedLine, openBar } from "./bar.ts";
import { call } from "./call.ts";
import { lookAt, rowsOf } from "./code-file.ts";
import { exitCodes } from "./exit-code.ts";
import { orUserError } from "./file-trouble.ts";
import { printable } from "./render.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

/** A request may have 16 KiB, of which the codes take at most so much. */
const uploadBytesMax = 14 * 1024;
const uploadCodesMax = 5_000;
const faultPage = 1_000;
/** So many faults of each kind are shown; `--faults` writes all of them. */
const shownOfKind = 10;
const separators = /[a-z\p{White_Space}\p{Dash}]/u;
const again = { again: "sending the same codes again" };

/** What was found in the file that does not keep a code from being taken, by the first line of each. */
type Respelled = { nfd: number; firstNfd: number; others: number; firstOther: number };

/**
 * Uploads the codes of a file and judges all of them. The same file goes on where an earlier call was broken
 * off: the service knows it by its digest. Returns the import and its number of codes.
 * @throws UserError where a row has a fault; every one of them is told, and nothing is left of the import
 */
export async function importCodes(
  session: Session,
  path: string,
  faultsPath: string | undefined,
): Promise<{ readonly id: string; readonly total: number }> {
  const { campaigns, output } = session;
  const look = await lookAt(path);
  const begun = await call(
    session,
    (options) => campaigns.beginCodeImport({ requestId: `codes ${look.digest}` }, options),
    { again: "asking again" },
  );
  const codeImport = required(begun.codeImport);
  const { id, rows, state } = codeImport;
  if (rows > 0 && state === CodeImportState.OPEN) output.note(`going on after ${counted(rows, "row")}`);
  const lineOf = new LineNumbers();
  const found: Respelled = { nfd: 0, firstNfd: 0, others: 0, firstOther: 0 };
  // A campaign may be made of it already: then only the request for the campaign is repeated.
  const isOpen = state === CodeImportState.OPEN;
  const from = isOpen ? rows : Number.POSITIVE_INFINITY;
  const total = await upload(session, { path, id, from, lineOf, found }).catch(async (error: unknown) => {
    // The same file will always end like this: what came of it would only be in the way of a better one.
    if (isOpen && isDefinite(error)) await discard(session, id).catch(() => undefined);
    throw error;
  });
  if (look.hasByteOrderMark) output.note("line 1 begins with a byte order mark: ignored");
  if (look.crlfLines > 0)
    output.note(
      `${counted(look.crlfLines, "line")} from line ${look.firstCrlfLine} on end with CR LF: read as LF`,
    );
  if (found.nfd > 0)
    output.note(
      `${counted(found.nfd, "code")} from line ${found.firstNfd} on ${found.nfd === 1 ? "is" : "are"} in NFD: stored in NFC`,
    );
  if (found.others > 0)
    output.note(
      `${counted(found.others, "code")} from line ${found.firstOther} on ${found.others === 1 ? "has" : "have"} small letters, spaces or hyphens: stored in capitals, without them`,
    );
  const faults = await faultsOf(session, id);
  if (faults.length === 0) return { id, total };
  const told = faults.map((fault) => toldFault(fault, lineOf));
  if (faultsPath !== undefined) {
    const text = told.map((one) => `${JSON.stringify(one)}\n`).join("");
    await orUserError(faultsPath, () => writeFile(faultsPath, text), "--faults");
  }
  sayFaults(session, told);
  await discard(session, id);
  const where =
    faultsPath === undefined
      ? "--faults FILE writes all of them"
      : `all of them are in ${printable(faultsPath)}`;
  throw new UserError(
    `${grouped(faults.length)} of ${counted(total, "row")} cannot be codes: nothing was created`,
    {
      hint: `correct the file and run the same command again; ${where}`,
      exitCode: exitCodes.refused,
    },
  );
}

/** Whether it is about the file, and not about the way to the service. */
function isDefinite(error: unknown): boolean {
  return error instanceof UserError || (error instanceof ConnectError && error.code === Code.InvalidArgument);
}

type Upload = {
  readonly path: string;
  readonly id: string;
  /** The first row that the service does not have. */
  readonly from: number;
  readonly lineOf: LineNumbers;
  readonly found: Respelled;
};

/** Reads all rows and sends those from `from` on; returns how many there are. */
async function upload(session: Session, { path, id, from, lineOf, found }: Upload): Promise<number> {
  const { campaigns, output } = session;
  let codes: string[] = [];
  let bytes = 0;
  let row = 0;
  let bar: Bar | undefined;
  async function send(): Promise<void> {
    if (codes.length === 0) return;
    const request = { importId: id, firstRow: row - codes.length, codes };
    await call(session, (options) => campaigns.uploadCodes(request, options), again);
    codes = [];
    bytes = 0;
  }
  try {
    for await (const { text, line, isHeadless } of rowsOf(path)) {
      if (isHeadless) output.note('no column is called "code": line 1 is taken as a code');
      const size = Buffer.byteLength(text) + 3;
      if (bytes + size > uploadBytesMax || codes.length === uploadCodesMax) {
        await send();
        if (output.interactive)
          bar ??= openBar(output, (columns) => fittedLine(columns, () => `${grouped(row)} rows`));
      }
      lineOf.push(line);
      note(found, text, line);
      if (row >= from) {
        // A text that is far too long for a code is so in its beginning, too.
        const sent = size > uploadBytesMax ? text.slice(0, 1_000) : text;
        codes.push(sent);
        bytes += Math.min(size, uploadBytesMax);
      }
      row += 1;
    }
    await send();
  } finally {
    bar?.close();
  }
  if (row === 0) throw new UserError(`--codes: "${printable(path)}" has no code`);
  return row;
}

function note(found: Respelled, text: string, line: number): void {
  if (text.normalize("NFC") !== text) {
    found.nfd += 1;
    if (found.firstNfd === 0) found.firstNfd = line;
  }
  if (separators.test(text)) {
    found.others += 1;
    if (found.firstOther === 0) found.firstOther = line;
  }
}

/** The line of each row, in four bytes. */
class LineNumbers {
  #lines = new Uint32Array(64 * 1024);
  #length = 0;

  push(line: number): void {
    if (this.#length === this.#lines.length) {
      const longer = new Uint32Array(this.#lines.length * 2);
      longer.set(this.#lines);
      this.#lines = longer;
    }
    this.#lines[this.#length] = line;
    this.#length += 1;
  }

  of(row: number): number {
    return this.#lines[row] ?? 0;
  }
}

async function faultsOf(session: Session, importId: string): Promise<CodeFault[]> {
  const all: CodeFault[] = [];
  let pageToken = "";
  do {
    const request = { importId, pageSize: faultPage, pageToken };
    const page = await call(session, (options) => session.campaigns.getCodeImport(request, options));
    all.push(...page.faults);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return all;
}

type ToldFault = { readonly line: number; readonly fault: string; readonly words: string };

function toldFault({ row, kind, ofRow, campaignId, detail }: CodeFault, lineOf: LineNumbers): ToldFault {
  const words: Readonly<Record<number, string>> = {
    [CodeFaultKind.EMPTY]: "has no code",
    [CodeFaultKind.TOO_LONG]: "has more than 32 characters",
    [CodeFaultKind.BAD_CHARACTER]: detail,
    [CodeFaultKind.DUPLICATE]: `has the code of line ${lineOf.of(ofRow)}`,
    [CodeFaultKind.CLASH]: `has a code of ${campaignId}`,
  };
  const name = enumName(CodeFaultKindSchema, kind).toLowerCase().replaceAll("_", "-");
  return { line: lineOf.of(row), fault: name, words: words[kind] ?? name };
}

function sayFaults({ output }: Session, told: readonly ToldFault[]): void {
  for (const fault of new Set(told.map((one) => one.fault))) {
    const all = told.filter((one) => one.fault === fault);
    output.note(`${fault}: ${counted(all.length, "row")}`);
    for (const { line, words } of all.slice(0, shownOfKind))
      output.note(`  line ${line} ${printable(words)}`);
  }
}

async function discard(session: Session, importId: string): Promise<void> {
  for (;;) {
    const { done } = await call(session, (options) =>
      session.campaigns.discardCodeImport({ importId }, options),
    );
    if (done) return;
  }
}

function required(codeImport: CodeImport | undefined): CodeImport {
  if (codeImport === undefined) throw new Error("the service answered without an import");
  return codeImport;
}
