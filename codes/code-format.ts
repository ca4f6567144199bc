import { counted } from "../runtime/counting.ts";
import {
  CLEAR_DIGITS,
  DIGITS,
  FIRST_CLEAR_DIGIT_SYMBOL,
  FIRST_DIGIT_SYMBOL,
  FIRST_LETTER_SYMBOL,
  LETTERS,
  SYLLABLES,
} from "./alphabet.ts";
import { CHECKED_LENGTH_MAX } from "./check-character.ts";
import { nameCodePoint } from "./code-point.ts";

/** The least number of characters beside the prefix. */
export const MIN_CODE_LENGTH = 4;
/** The most characters of a code, its prefix among them. */
export const MAX_CODE_LENGTH = 32;
export const PREFIX_MAX = 16;

/**
 * The characters of one drawn position of a code: symbols `firstSymbol` up to `firstSymbol + size - 1` of
 * DRAWN.
 */
export type CodeSlot = {
  readonly kind: "syllable" | "digit" | "letter" | "clear-digit" | "letter-or-digit";
  readonly firstSymbol: number;
  readonly size: number;
};

/** A campaign's code format. Immutable; made by parseCodeFormat only. */
export type CodeFormat = {
  /**
   * NFC: `가` for a syllable, `0` for a digit, `A` for a letter, `#` for a letter or digit or, last in a
   * pattern of syllables and digits, a check character; before a hyphen, the prefix. Such as `가가가가가가0000` or
   * `SUMMER-AAAA0000`.
   */
  readonly pattern: string;
  /** With what every code begins, without the hyphen; empty: none. */
  readonly prefix: string;
  /** Code points, 4 to 32, prefix and check character among them. */
  readonly length: number;
  /** One for each drawn position, in the order of the pattern. */
  readonly slots: readonly CodeSlot[];
  /** True: a check character follows, computed from the drawn ones (codes/check-character.ts). */
  readonly check: boolean;
  /**
   * The exact number of raw combinations, those with a blocked word included. Prefix and check character add
   * none.
   */
  readonly space: bigint;
  /** log2 of `space`. */
  readonly entropyBits: number;
};

export type ParsedCodeFormat =
  | { readonly ok: true; readonly format: CodeFormat }
  | { readonly ok: false; readonly message: string };

const slot = (kind: CodeSlot["kind"], firstSymbol: number, size: number): CodeSlot =>
  Object.freeze({ kind, firstSymbol, size });

const SYLLABLE_SLOT = slot("syllable", 0, SYLLABLES.length);
const DIGIT_SLOT = slot("digit", FIRST_DIGIT_SYMBOL, DIGITS.length);
const LETTER_SLOT = slot("letter", FIRST_LETTER_SYMBOL, LETTERS.length);
const CLEAR_DIGIT_SLOT = slot("clear-digit", FIRST_CLEAR_DIGIT_SYMBOL, CLEAR_DIGITS.length);
const LETTER_OR_DIGIT_SLOT = slot(
  "letter-or-digit",
  FIRST_LETTER_SYMBOL,
  LETTERS.length + CLEAR_DIGITS.length,
);

const MARKS = ["가", "0", "A", "#"];
const PREFIX = /^[가-힣0-9A-Z]+$/u;
/** Of syllables and digits alone: a last # is a check character. */
const CHECKED = /^(?=.*가)[가0]+#$/u;

const ALLOWED = `a code format is ${MIN_CODE_LENGTH} to ${MAX_CODE_LENGTH} characters, each 가 (a Hangul syllable), 0 (a digit), A (a letter) or # (a letter or digit; last after 가 and 0: a check character), optionally after a prefix and a hyphen, such as 가가가가가가0000, 가가가가가가000# or SUMMER-AAAA0000`;

/**
 * Reads a code format. The pattern is brought to NFC first, so a decomposed 가 (U+1100 U+1161) is the same as
 * the composed one, and its characters are counted as code points. A prefix is read in any case.
 *
 * @returns the format, or a message that names the problem and says what is allowed
 */
export function parseCodeFormat(input: string): ParsedCodeFormat {
  const text = input.normalize("NFC");
  const all = [...text];
  if (all.length === 0) return refuse("is empty");
  const hyphen = all.indexOf("-");
  const prefix = all.slice(0, Math.max(0, hyphen)).join("").replace(/[a-z]/g, upper);
  if (hyphen >= 0) {
    const problem = prefixProblem(prefix);
    if (problem !== undefined) return refuse(problem);
  }
  const characters = all.slice(hyphen + 1);
  const unknown = characters.findIndex((character) => !MARKS.includes(character));
  if (unknown >= 0) {
    const named = nameCodePoint(characters[unknown] ?? "");
    return refuse(`has ${named} at position ${hyphen + 1 + unknown + 1}`);
  }
  const count = `has ${counted(characters.length, "character")}${hyphen < 0 ? "" : " after its prefix"}`;
  if (characters.length < MIN_CODE_LENGTH) return refuse(`${count}, too few`);
  const length = [...prefix].length + characters.length;
  if (length > MAX_CODE_LENGTH) return refuse(`has ${counted(length, "character")}, too many`);
  const isChecked = CHECKED.test(characters.join(""));
  if (isChecked && characters.length > CHECKED_LENGTH_MAX)
    return refuse(`${count}, too many with a check character: at most ${CHECKED_LENGTH_MAX}`);
  return { ok: true, format: formatOf(prefix, characters, isChecked) };
}

const upper = (letter: string): string => letter.toUpperCase();

/** A prefix of marks alone could be meant as a part of the pattern: AAAA-0000 has none. */
function prefixProblem(prefix: string): string | undefined {
  const characters = [...prefix];
  if (characters.length === 0) return "has a hyphen and no prefix before it";
  if (characters.length > PREFIX_MAX)
    return `has a prefix of ${counted(characters.length, "character")}, more than ${PREFIX_MAX}`;
  if (!PREFIX.test(prefix))
    return "has a prefix with something else than Hangul syllables, A to Z and digits";
  if (characters.every((character) => MARKS.includes(character)))
    return `has "${prefix}" before a hyphen, which can be read as a prefix or as a pattern: a hyphen only follows a prefix, and that needs a character that is no mark`;
  return undefined;
}

function refuse(problem: string): ParsedCodeFormat {
  return { ok: false, message: `code_format ${problem}; ${ALLOWED}` };
}

function formatOf(prefix: string, characters: readonly string[], check: boolean): CodeFormat {
  const drawn = check ? characters.slice(0, -1) : characters;
  const hasLetters = !check && (characters.includes("A") || characters.includes("#"));
  const digit = hasLetters ? CLEAR_DIGIT_SLOT : DIGIT_SLOT;
  const slots = drawn.map((mark) => {
    if (mark === "가") return SYLLABLE_SLOT;
    if (mark === "0") return digit;
    return mark === "A" ? LETTER_SLOT : LETTER_OR_DIGIT_SLOT;
  });
  return Object.freeze({
    pattern: `${prefix}${prefix === "" ? "" : "-"}${characters.join("")}`,
    prefix,
    length: [...prefix].length + characters.length,
    slots: Object.freeze(slots),
    check,
    space: slots.reduce((product, { size }) => product * BigInt(size), 1n),
    entropyBits: slots.reduce((bits, { size }) => bits + Math.log2(size), 0),
  });
}

/** The format of a campaign that names none: 가가가가가가0000. */
export const DEFAULT_CODE_FORMAT: CodeFormat = formatOf("", [..."가가가가가가0000"], false);

/** Of the patterns that programs up to 0.2 read: 4 to 10 syllables and digits, both among them. */
const FIRST_PATTERNS = /^(?=.*가)(?=.*0)(?=.{4,10}$)[가0]+#?$/u;

/** Whether an older program would not read a pattern. */
export function isNewPattern(pattern: string): boolean {
  return !FIRST_PATTERNS.test(pattern);
}
