/** The limits of a page's size and of its lines' length. */
import { withoutFences } from "./markdown.mjs";

const COLUMNS_MAX = 120;

/**
 * @param {string} file
 * @param {string} page
 * @param {number} max
 * @returns {string[]} what is wrong
 */
export function tooLarge(file, page, max) {
  const bytes = Buffer.byteLength(page);
  return bytes > max ? [`${file} has ${bytes} bytes, more than ${max}`] : [];
}

/**
 * Prose wraps at 120 columns. A table cannot wrap, a block of code stays as it is, and a line without a blank
 * has no place to break.
 *
 * @param {string} file
 * @param {string} page
 * @returns {string[]} what is wrong
 */
export function longLines(file, page) {
  return withoutFences(page)
    .split("\n")
    .flatMap((line, index) => {
      const isWrappable =
        !/^(\||#|<|!\[)/.test(line) && /\S\s+\S/.test(line.replace(/^\s*([-*+>]|\d+\.)\s+/, ""));
      return isWrappable && columnsOf(line) > COLUMNS_MAX
        ? [`${file}:${index + 1} has ${columnsOf(line)} columns, more than ${COLUMNS_MAX}`]
        : [];
    });
}

/**
 * A Hangul syllable is two columns wide.
 *
 * @param {string} line
 */
function columnsOf(line) {
  return [...line].reduce(
    (sum, letter) =>
      sum +
      (/[\u1100-\u115f\u3000-\u30ff\u3130-\u318f\u4e00-\u9fff\uac00-\ud7a3\uff00-\uff60]/.test(letter)
        ? 2
        : 1),
    0,
  );
}
