/** The prefix of every user id and request id in these tests, so that a log line with one can be found. */
export const KEY_PREFIX = "claimant~";

const HANGUL_WORD = /[가-힣0-9]*[가-힣][가-힣0-9]*/g;
const FORMAT = /^[가0]+$/;

/**
 * Whether a line contains an id of these tests, or a text like a code. Code formats (only 가 and 0) are no
 * secret.
 */
export function leakIn(line: string): boolean {
  if (line.includes(KEY_PREFIX)) return true;
  return (line.match(HANGUL_WORD) ?? []).some((word) => !FORMAT.test(word));
}
