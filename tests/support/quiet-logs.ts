/** Begins every user id and request id of these tests, so that one in a log line can be seen. */
export const KEY_PREFIX = "claimant~";

const HANGUL_WORD = /[가-힣0-9]*[가-힣][가-힣0-9]*/g;
const FORMAT = /^[가0]+$/;

/**
 * Whether a line holds one of our keys, or anything like a code. Code formats (가 and 0 only) are no secret.
 */
export function leakIn(line: string): boolean {
  if (line.includes(KEY_PREFIX)) return true;
  return (line.match(HANGUL_WORD) ?? []).some((word) => !FORMAT.test(word));
}
