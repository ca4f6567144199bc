/**
 * `AbortSignal.any()` holds its sources weakly: an `AbortSignal.timeout()` among them may be
 * garbage-collected, and then it never aborts (Node.js 20). A file that uses both is reported: it must use
 * `limitedSignal` of runtime/limited-signal.ts.
 *
 * @param {readonly string[]} files
 * @param {(file: string) => string} read
 * @returns {string[]} what is wrong
 */
export function lostTimeOuts(files, read) {
  const code = files.filter(
    (file) => /\.(ts|tsx|mjs|cjs)$/.test(file) && file !== "runtime/limited-signal.ts",
  );
  return code
    .filter((file) => !file.startsWith("checks/") && !file.startsWith("tests/checks/"))
    .filter((file) => ["any", "timeout"].every((name) => read(file).includes(`AbortSignal.${name}(`)))
    .map((file) => `${file}: a time-out in AbortSignal.any() may be lost: use runtime/limited-signal.ts`);
}
