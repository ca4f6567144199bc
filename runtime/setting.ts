/**
 * A setting as it was meant: without the line end that a file or `echo` put behind it, and undefined where
 * nothing is left. No setting has a line end of its own.
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
 * Whether a header can carry the text as it is. Node refuses some characters, and turns others into ones that
 * nobody meant.
 */
export function isSendable(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
