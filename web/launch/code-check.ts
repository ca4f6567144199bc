/** White space, every kind of dash, the soft hyphen, and characters of no width: the service ignores them. */
const SEPARATORS = /[\p{White_Space}\p{Dash}\u{AD}\u{200B}-\u{200D}\u{2060}\u{FEFF}]/gu;
const FULL_WIDTH = /[０-９Ａ-Ｚａ-ｚ]/g;
const FULL_WIDTH_OFFSET = 0xff10 - 0x30;

/** What a customer typed, as the service reads a code: NFC, no separators, ASCII digits and capitals. */
export function readTyped(typed: string): string {
  return typed
    .normalize("NFC")
    .replace(SEPARATORS, "")
    .replace(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - FULL_WIDTH_OFFSET))
    .replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

export type Checked =
  | { readonly kind: "empty" }
  | { readonly kind: "right" }
  /** What there is so far is right. */
  | { readonly kind: "unfinished"; readonly typed: number; readonly length: number }
  /** The first character that differs, counted from 1. */
  | { readonly kind: "wrong"; readonly at: number };

/**
 * Compares what was typed back with the code.
 * @param isComposing true: an input method still composes the last character, which is not judged
 */
export function checkTyped(code: string, typed: string, isComposing = false): Checked {
  const wanted = [...code];
  const all = [...readTyped(typed)];
  const given = isComposing ? all.slice(0, -1) : all;
  if (all.length === 0) return { kind: "empty" };
  const wrong = given.findIndex((character, i) => character !== wanted[i]);
  if (wrong >= 0) return { kind: "wrong", at: wrong + 1 };
  if (all.length === wanted.length && all.join("") === code) return { kind: "right" };
  return { kind: "unfinished", typed: given.length, length: wanted.length };
}
