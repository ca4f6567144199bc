const needsQuotes = /[",;\t\r\n]|^\s|\s$/;
// The characters with which a formula begins in spreadsheets, in ASCII and full width.
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/;
// A semicolon divides cells where the comma is the decimal sign; quotes inside a cell do not count there.
const formulaBehind = /;(?=\s*"?[=+\-@＝＋－＠])/g;

/** One CSV cell that a spreadsheet shows as text: a formula gets a leading apostrophe. */
export function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const behind = value.replaceAll(formulaBehind, ";'");
  const text = formulaStart.test(behind) ? `'${behind}` : behind;
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvRow(values: readonly (string | number)[]): string {
  return `${values.map(csvCell).join(",")}\n`;
}

/** Marks the file as UTF-8 for spreadsheets. */
export const byteOrderMark = "\uFEFF";
