const LINES_MAX = 250;
const COLUMNS_MAX = 110;
const CODE = /\.(ts|tsx|mts|mjs|cjs)$/;
/** Contracts that are generated, and tests: a table of cases may be long. */
const ANY_LENGTH = /^(proto\/gen|tests)\//;

/**
 * A source file is short enough to be read at once, and its comments wrap. A comment without a blank, such as
 * an address, cannot wrap; the formatter wraps code.
 *
 * @param {readonly string[]} files
 * @param {(file: string) => string} read
 * @returns {string[]} what is wrong
 */
export function wrongShapes(files, read) {
  return files
    .filter((file) => CODE.test(file) && !file.startsWith("proto/gen/"))
    .flatMap((file) => {
      const lines = read(file).split("\n");
      const length = lines.length - 1;
      const isLong = length > LINES_MAX && !ANY_LENGTH.test(file);
      return [
        ...(isLong ? [`${file} has ${length} lines, more than ${LINES_MAX}`] : []),
        ...lines.flatMap((line, i) => (isTooWide(line) ? [`${file}:${i + 1}: ${tooWide(line)}`] : [])),
      ];
    });
}

/** @param {string} line */
function isTooWide(line) {
  const words = /^\s*(?:\/\/|\*|\/\*\*?) (.*)$/.exec(line)?.[1];
  return (
    words !== undefined &&
    [...line].length > COLUMNS_MAX &&
    /\S\s+\S/.test(words) &&
    !/biome-ignore/.test(line)
  );
}

/** @param {string} line */
function tooWide(line) {
  return `a comment of ${[...line].length} columns, more than ${COLUMNS_MAX}`;
}
