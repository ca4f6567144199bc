// Node 20 reads the next line wrong after one of blanks, or after a comment that does not begin in the first
// column; and takes a tab for a letter of a name or a value.
const NOTHING = /^(#|$)/;
const ASSIGNMENT = /^ *(?:export +)?([A-Za-z_]\w*) *= *(.*?) *$/;
const QUOTED = /^(["'`])(.*?)\1 *(#.*)?$/;

/**
 * The first line of an env file that Node would not read as it stands, with what is wrong; never its value.
 * Settings have no line ends, so neither have values here.
 *
 * @param {string} text
 * @returns {string | undefined} to go on after the file's name, such as `:3: …`
 */
export function troubleIn(text) {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trouble = troubleOf(line);
    if (trouble !== undefined) return `:${index + 1}: ${trouble}`;
  }
  return undefined;
}

/** @param {string} line */
function troubleOf(line) {
  if (NOTHING.test(line)) return undefined;
  const [, name, value = ""] = ASSIGNMENT.exec(line) ?? [];
  if (name === undefined)
    return "must be NAME=value, a comment that begins with # in the first column, or empty";
  if (/^["'`]/.test(value)) {
    return QUOTED.test(value)
      ? undefined
      : `${name}: the quote must end on the same line, and nothing may follow it`;
  }
  if (value.includes("\t")) return `${name}: a value with a tab in it must be in quotes`;
  // Node ends the value at a #, wherever it stands: a password would be cut.
  return /\S#/.test(value) ? `${name}: a value with a # in it must be in quotes` : undefined;
}
