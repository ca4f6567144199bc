import { counted } from "../runtime/counting.ts";
import { DIGITS, FIRST_DIGIT_SYMBOL, SYLLABLES } from "./alphabet.ts";
import { nameCodePoint } from "./code-point.ts";

export const MIN_CODE_LENGTH = 4;
export const MAX_CODE_LENGTH = 10;

/**
 * The characters of one drawn position of a code: symbols `firstSymbol` up to `firstSymbol + size - 1` of
 * SYMBOLS.
 */
export type CodeSlot = {
  readonly kind: "syllable" | "digit";
  readonly firstSymbol: number;
  readonly size: number;
};

/** A campaign's code format. Immutable; made by parseCodeFormat only. */
export type CodeFormat = {
  /** NFC, `가` for a syllable, `0` for a digit, `#` for a check character, such as `가가가가가가0000`. */
  readonly pattern: string;
  /** Code points, 4 to 10, the check character among them. */
  readonly length: number;
  /** One for each drawn position, in the order of the pattern. */
  readonly slots: readonly CodeSlot[];
  /** True: a check character follows, computed from the others (codes/check-character.ts). */
  readonly check: boolean;
  /**
   * The exact number of raw combinations, those with a blocked word included. A check character adds none.
   */
  readonly space: bigint;
  /** log2 of `space`. */
  readonly entropyBits: number;
};

export type ParsedCodeFormat =
  | { readonly ok: true; readonly format: CodeFormat }
  | { readonly ok: false; readonly message: string };

const SYLLABLE_SLOT: CodeSlot = Object.freeze({ kind: "syllable", firstSymbol: 0, size: SYLLABLES.length });
const DIGIT_SLOT: CodeSlot = Object.freeze({
  kind: "digit",
  firstSymbol: FIRST_DIGIT_SYMBOL,
  size: DIGITS.length,
});

const ALLOWED = `a code format is ${MIN_CODE_LENGTH} to ${MAX_CODE_LENGTH} characters, each 가 (a Hangul syllable) or 0 (a digit), at least one of each, or as the last one # (a check character), such as 가가가가가가0000 or 가가가가가가000#`;

/**
 * Reads a code format. The pattern is brought to NFC first, so a decomposed 가 (U+1100 U+1161) is the same as
 * the composed one, and its characters are counted as code points.
 *
 * @returns the format, or a message that names the problem and says what is allowed
 */
export function parseCodeFormat(input: string): ParsedCodeFormat {
  const pattern = input.normalize("NFC");
  const characters = [...pattern];
  if (characters.length === 0) return refuse("is empty");
  const last = characters.length - 1;
  const unknown = characters.findIndex((character, index) => {
    return character !== "가" && character !== "0" && !(character === "#" && index === last);
  });
  if (unknown >= 0) {
    return refuse(`has ${nameCodePoint(characters[unknown] ?? "")} at position ${unknown + 1}`);
  }
  const count = `has ${counted(characters.length, "character")}`;
  if (characters.length < MIN_CODE_LENGTH) return refuse(`${count}, too few`);
  if (characters.length > MAX_CODE_LENGTH) return refuse(`${count}, too many`);
  if (!characters.includes("가")) return refuse("has no syllable (가)");
  if (!characters.includes("0")) return refuse("has no digit (0)");
  return { ok: true, format: formatOf(characters) };
}

function refuse(problem: string): ParsedCodeFormat {
  return { ok: false, message: `code_format ${problem}; ${ALLOWED}` };
}

function formatOf(characters: readonly string[]): CodeFormat {
  const check = characters.at(-1) === "#";
  const drawn = check ? characters.slice(0, -1) : characters;
  const slots = drawn.map((character) => (character === "가" ? SYLLABLE_SLOT : DIGIT_SLOT));
  return Object.freeze({
    pattern: characters.join(""),
    length: characters.length,
    slots: Object.freeze(slots),
    check,
    space: slots.reduce((product, slot) => product * BigInt(slot.size), 1n),
    entropyBits: slots.reduce((bits, slot) => bits + Math.log2(slot.size), 0),
  });
}

/** The format of a campaign that names none: 가가가가가가0000. */
export const DEFAULT_CODE_FORMAT: CodeFormat = formatOf([..."가가가가가가0000"]);

/**
 * The patterns whose codes can be equal to a code of this pattern: the pattern itself, and those that have a
 * drawn character in place of the check character or the reverse, because a check character may be a syllable
 * or a digit.
 */
export function overlappingPatterns(pattern: string): readonly string[] {
  const characters = [...pattern];
  const stem = characters.slice(0, -1).join("");
  return characters.at(-1) === "#" ? [pattern, `${stem}가`, `${stem}0`] : [pattern, `${stem}#`];
}
