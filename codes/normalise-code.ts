import { counted } from "../runtime/counting.ts";
import { checkFits } from "./check-character.ts";
import { type CodeFormat, MAX_CODE_LENGTH } from "./code-format.ts";
import { nameCodePoint } from "./code-point.ts";

export type NormalisedCode =
  | { readonly ok: true; readonly code: string }
  | { readonly ok: false; readonly message: string };

/** Ample for 32 decomposed syllables with separators between them. UTF-16 units. */
const MAX_INPUT_LENGTH = 256;

/** White space, every kind of dash (U+2212 minus among them), the soft hyphen, and characters of no width. */
const SEPARATOR = /^[\p{White_Space}\p{Dash}\u{AD}\u{200B}-\u{200D}\u{2060}\u{FEFF}]$/u;
/**
 * Any composed syllable (U+AC00..U+D7A3) and any letter, not only today's alphabets: an older code stays
 * readable, and so is an imported one.
 */
const CODE_CHARACTER = /^[가-힣0-9A-Z]$/u;
const FULL_WIDTH = /^[０-９Ａ-Ｚａ-ｚ]$/u;
const FULL_WIDTH_OFFSET = 0xff10 - 0x30;
const SMALL_LETTER = /^[a-z]$/u;

/**
 * Brings a typed or pasted code to the form in which it is stored: NFC, without spaces and hyphens, letters
 * as capitals, full-width letters and digits as ASCII ones. Idempotent.
 *
 * @param input any text
 * @returns 1 to 32 code points, each a Hangul syllable, a letter A to Z or an ASCII digit; or a message that
 * never holds the input itself, only the first character that does not belong and its position (code points
 * after NFC, from 1)
 */
export function normaliseCode(input: string): NormalisedCode {
  if (input.length > MAX_INPUT_LENGTH) return tooLong();
  const kept: string[] = [];
  let position = 0;
  for (const character of input.normalize("NFC")) {
    position += 1;
    if (SEPARATOR.test(character)) continue;
    const folded = toCapital(FULL_WIDTH.test(character) ? toAscii(character) : character);
    if (!CODE_CHARACTER.test(folded)) {
      const named = nameCodePoint(character);
      return refuse(
        `has ${named} at position ${position}, which is no Hangul syllable, letter A to Z or digit`,
      );
    }
    kept.push(folded);
  }
  if (kept.length === 0) return refuse("is empty");
  if (kept.length > MAX_CODE_LENGTH) return tooLong();
  return { ok: true, code: kept.join("") };
}

/**
 * Why no code of these formats can be this text, so that it was mistyped and not only never issued. Only a
 * check character can prove that: undefined where it fits, or where any format of this length has none.
 *
 * @param code as normaliseCode gives it
 * @param formats all formats in which it could have been made
 */
export function mistypedBecause(code: string, formats: readonly CodeFormat[]): string | undefined {
  const sameLength = formats.filter(({ length }) => length === code.length);
  // A code of another length is mistyped only where every format has a check character.
  const possible = sameLength.length === 0 ? formats : sameLength;
  if (possible.length === 0 || !possible.every(({ check }) => check)) return undefined;
  if (sameLength.length === 0) {
    const lengths = [...new Set(possible.map(({ length }) => length))].sort((a, b) => a - b).join(" or ");
    return `mistyped: it has ${counted(code.length, "character")}, not ${lengths}`;
  }
  const fits = possible.some(({ prefix }) => code.startsWith(prefix) && checkFits(code.slice(prefix.length)));
  return fits ? undefined : "mistyped: the check character does not fit; read it again";
}

function tooLong(): NormalisedCode {
  return refuse(`is longer than ${MAX_CODE_LENGTH} characters`);
}

function refuse(problem: string): NormalisedCode {
  return { ok: false, message: `code ${problem}` };
}

function toCapital(character: string): string {
  return SMALL_LETTER.test(character) ? character.toUpperCase() : character;
}

function toAscii(character: string): string {
  return String.fromCodePoint((character.codePointAt(0) ?? 0) - FULL_WIDTH_OFFSET);
}
