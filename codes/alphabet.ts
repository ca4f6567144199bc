/**
 * The syllables, digits and letters of coupon codes: data, and the reasons for them (docs/codes.md).
 *
 * The aim: a code that a person hears can be written in one way only, and a code that a person reads can be
 * typed.
 */

/** The 19 initial consonants in the order of the Unicode Hangul composition (L index 0-18). */
const INITIAL_ORDER = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
/** The 21 vowels in the order of the composition (V index 0-20). */
const VOWEL_ORDER = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
/** The 27 finals in the order of the composition (T index 1-27); 0 is "no final". */
const FINAL_ORDER = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";

/**
 * Initials used. Not used: the tense ㄲ ㄸ ㅃ ㅆ ㅉ (heard as their plain twins); ㅇ (silent, so a final before
 * it would move over: 간아 is read 가나); ㄹ (becomes ㄴ or turns a ㄴ before it into ㄹ: 담로 is read 담노);
 * ㅎ (fades between voiced sounds: 간하 is heard 가나).
 */
export const INITIALS: readonly string[] = [..."ㄱㄴㄷㅁㅂㅅㅈㅊㅋㅌㅍ"];

/**
 * Vowels used: six plain ones that no speaker merges. Not used: ㅐ ㅔ, ㅒ ㅖ, ㅙ ㅚ ㅞ (each group sounds alike, so
 * a listener cannot spell it); ㅑ ㅕ ㅛ ㅠ ㅘ ㅝ ㅟ ㅢ (their glide is lost after ㅈ ㅊ and in quick speech: 져 is read
 * 저).
 */
export const VOWELS: readonly string[] = [..."ㅏㅓㅗㅜㅡㅣ"];

/**
 * Finals used ("" is none): the four sonorants. Not used: all complex finals and every stop: ㄷ ㅅ ㅆ ㅈ ㅊ ㅌ ㅎ
 * are read as one sound, so are ㄱ ㄲ ㅋ, and ㅂ ㅍ, and any of them changes before ㄴ and ㅁ (각나 is read 강나).
 */
export const FINALS: readonly string[] = ["", "ㄴ", "ㄹ", "ㅁ", "ㅇ"];

/** Syllables of the lists above that are left out, with the reason. */
export const LEFT_OUT: readonly { readonly why: string; readonly syllables: string }[] = [
  { why: "ㅡ is read ㅜ after the lip consonants ㅁ ㅂ ㅍ", syllables: "므믄믈믐믕브븐블븜븡프픈플픔픙" },
  { why: "not in KS X 1001, so an EUC-KR text message gateway would lose it", syllables: "틍" },
  { why: "read aloud it is a digit (0 3 4 7 8 9, and 둘 for 2)", syllables: "공삼사칠팔구둘" },
  { why: "read aloud it is a unit of numbers (thousand, ten thousand, 10^12)", syllables: "천만조" },
  { why: "offensive alone, or the first half of many a curse", syllables: "놈충시존질" },
  { why: "kill; ruin: the ill half of dozens of words", syllables: "살망" },
];

/** ASCII digits, each read by its own name. */
export const DIGITS: readonly string[] = [..."0123456789"];

/**
 * Composes one Hangul syllable from compatibility jamo.
 *
 * Source: The Unicode Standard, section 3.12 "Conjoining Jamo Behavior", Hangul Syllable Composition:
 * U+AC00 + (L × 21 + V) × 28 + T.
 *
 * @param initial one of the 19 initials, such as "ㄱ"
 * @param vowel one of the 21 vowels, such as "ㅏ"
 * @param final one of the 27 finals, or "" for none
 * @returns one code point in U+AC00..U+D7A3, stable under NFC
 * @throws RangeError when a part is not such a jamo
 */
export function composeSyllable(initial: string, vowel: string, final: string): string {
  const l = jamoIndex(INITIAL_ORDER, initial);
  const v = jamoIndex(VOWEL_ORDER, vowel);
  const t = final === "" ? 0 : jamoIndex(FINAL_ORDER, final) + 1;
  return String.fromCodePoint(0xac00 + (l * 21 + v) * 28 + t);
}

function jamoIndex(order: string, jamo: string): number {
  const index = jamo.length === 1 ? order.indexOf(jamo) : -1;
  if (index < 0) throw new RangeError(`not one of ${order}: ${jamo}`);
  return index;
}

function composeAlphabet(): readonly string[] {
  const leftOut = new Set(LEFT_OUT.flatMap((group) => [...group.syllables]));
  const syllables: string[] = [];
  for (const initial of INITIALS) {
    for (const vowel of VOWELS) {
      for (const final of FINALS) {
        const syllable = composeSyllable(initial, vowel, final);
        if (!leftOut.has(syllable)) syllables.push(syllable);
      }
    }
  }
  return Object.freeze(syllables);
}

/** The alphabet: one code point each, in code point order, no repeats. */
export const SYLLABLES: readonly string[] = composeAlphabet();

/**
 * Letters used (A in a pattern): capitals without vowels, so that they spell no word, and without those that
 * are read as a digit or as each other. Not used: A E I O U; L (1, I), N (M), S (5), Z (2).
 */
export const LETTERS: readonly string[] = [..."BCDFGHJKMPQRTVWXY"];

/**
 * The digits beside letters. Not used: 0 and 1 (read as O and I), 5 (S), 8 (B). With the 17 letters they are
 * 23 characters.
 */
export const CLEAR_DIGITS: readonly string[] = [..."234679"];

/**
 * The syllables, then the ten digits: the characters of a code with a check character. A "symbol" is an index
 * in DRAWN, which begins with these.
 */
export const SYMBOLS: readonly string[] = Object.freeze([...SYLLABLES, ...DIGITS]);

/** The symbol of the digit 0; smaller ones are syllables. */
export const FIRST_DIGIT_SYMBOL: number = SYLLABLES.length;
/** The symbol of the first letter. */
export const FIRST_LETTER_SYMBOL: number = SYMBOLS.length;
/** The symbol of the first of CLEAR_DIGITS: they follow the letters, so that both together are one range. */
export const FIRST_CLEAR_DIGIT_SYMBOL: number = FIRST_LETTER_SYMBOL + LETTERS.length;

/** Every character that can be drawn, by its symbol; a clear digit is in it twice. */
export const DRAWN: readonly string[] = Object.freeze([...SYMBOLS, ...LETTERS, ...CLEAR_DIGITS]);

/** Whether the character of a symbol is a digit. */
export function isDigitSymbol(symbol: number): boolean {
  return symbol >= FIRST_CLEAR_DIGIT_SYMBOL || (symbol >= FIRST_DIGIT_SYMBOL && symbol < FIRST_LETTER_SYMBOL);
}
