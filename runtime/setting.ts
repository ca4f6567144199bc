/**
 * A setting without the line end that a file or `echo` adds to it, and undefined where nothing is left. No
 * setting may end in a line end.
 */
export function settingOf(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  return withoutLineEnd(env[name] ?? "") || undefined;
}

export function withoutLineEnd(text: string): string {
  return text.replace(/[\r\n]+$/, "");
}

export const SENDABLE = "letters, digits and punctuation of ASCII, without blanks";

/**
 * Whether a header can carry the text unchanged. Node refuses some characters and replaces others by wrong
 * ones.
 */
export function isSendable(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
