import { normaliseCode } from "../codes/normalise-code.ts";
import type { CodeFaultDoc, ImportedCodes } from "../record/code-import-documents.ts";
import type { CodeImports, Standing } from "../record/code-imports.ts";
import type { CouponDoc } from "../record/documents.ts";

/** What taking rows came to; `changed`: a row had another code before; `closed`: it takes none any more. */
export type Taken =
  | { readonly kind: "taken"; readonly rows: number; readonly faults: number }
  | { readonly kind: "changed"; readonly row: number }
  | { readonly kind: "closed" };

type Fault = Omit<CodeFaultDoc, "_id">;

/** Beyond these, a code has nothing that is no syllable, letter or digit. */
const NOTHING_SEEN: ImportedCodes = { shortest: 99, digits: false, letters: false, syllables: false };

/**
 * White space is left out of a code, but for these: a quotation mark too many in a file makes one cell of
 * several lines, and so one code of several.
 */
const LINE_BREAK = /[\n\r\v\f\u0085\u2028\u2029]/;

/**
 * Takes codes of consecutive rows into an import. Everything is told by the row, so that rows that are sent
 * again, after an outcome that the caller did not learn, change nothing.
 */
export async function importCodes(
  imports: Pick<CodeImports, "insert" | "insertFaults" | "taken" | "takeBack">,
  id: string,
  first: number,
  texts: readonly string[],
): Promise<Taken> {
  const faults: Fault[] = [];
  const docs: CouponDoc[] = [];
  for (const [index, text] of texts.entries()) {
    const ordinal = first + index;
    const code = LINE_BREAK.test(text)
      ? ({ ok: false, message: "code has a line break in it" } as const)
      : normaliseCode(text);
    if (code.ok) docs.push({ _id: code.code, campaignId: id, ordinal });
    else faults.push(faultOf(ordinal, code.message));
  }
  const refused = docs.length === 0 ? new Map<CouponDoc, Standing>() : await imports.insert(docs);
  for (const [doc, standing] of refused) {
    const row = doc.ordinal;
    if (standing === undefined) return { kind: "changed", row };
    if (standing.campaignId !== id) faults.push({ row, kind: "clash", campaignId: standing.campaignId });
    else if (standing.ordinal !== row) faults.push({ row, kind: "duplicate", ofRow: standing.ordinal });
  }
  await imports.insertFaults(id, faults);
  const taken = await imports.taken(id, first, first + texts.length, seenIn(docs));
  if (taken === null) {
    await imports.takeBack(id, docs);
    return { kind: "closed" };
  }
  return { kind: "taken", rows: taken.rows, faults: faults.length };
}

function faultOf(row: number, message: string): Fault {
  const detail = message.replace(/^code /, "");
  if (detail === "is empty") return { row, kind: "empty" };
  if (detail.startsWith("is longer")) return { row, kind: "too-long" };
  return { row, kind: "bad-character", detail };
}

function seenIn(docs: readonly CouponDoc[]): ImportedCodes {
  const seen = { ...NOTHING_SEEN };
  for (const { _id } of docs) {
    seen.shortest = Math.min(seen.shortest, _id.length);
    seen.digits ||= /[0-9]/.test(_id);
    seen.letters ||= /[A-Z]/.test(_id);
    seen.syllables ||= /[가-힣]/.test(_id);
  }
  return seen;
}
