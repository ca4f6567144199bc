// Node 20 misreads the line after a line of blanks, or after a comment that does not begin in the first
// column; and it reads a tab as a part of a name or a value.
const NOTHING = /^(#|$)/;
const ASSIGNMENT = /^ *(?:export +)?([A-Za-z_]\w*) *= *(.*?) *$/;
const QUOTED = /^(["'`])(.*?)\1 *(#.*)?$/;

/**
 * Finds the first line of an env file that Node would read otherwise than it is written, and says what is
 * wrong with it, never its value. No setting contains a line end, so a quoted value must end on its line.
 *
 * @param {string} text
 * @returns {string | undefined} the rest of a message that begins with the file's name, such as `:3: …`
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
