const needsQuotes = /[",;\t\r\n]|^\s|\s$/;
// What spreadsheets take for the start of a formula, in ASCII and full width.
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/;

/** One CSV cell that a spreadsheet shows as text: a formula is disarmed with a leading apostrophe. */
export function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = formulaStart.test(value) ? `'${value}` : value;
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvRow(values: readonly (string | number)[]): string {
  return `${values.map(csvCell).join(",")}\n`;
}

/** Tells spreadsheets that the file is UTF-8. */
export const byteOrderMark = "\uFEFF";
