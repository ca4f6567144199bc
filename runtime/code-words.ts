/**
 * Words that can be coupon codes, by their shape: for texts that leave the process, in which no code is
 * expected. All texts of the service are in English, so whatever has a Hangul syllable in it is one. Of codes
 * in letters: five or more drawn characters, which have no vowels and no look-alikes (codes/alphabet.ts), at
 * the end of a word of capitals and digits; and a word of capitals that ends in six digits or more. Codes of
 * digits alone look like any number, and imported ones like any word.
 */
const HANGUL_WORD = /[\p{Script=Hangul}\dA-Z-]*\p{Script=Hangul}[\p{Script=Hangul}\dA-Z-]*/gu;
const LETTER_WORD =
  /(?<![\w-])[A-Z\d-]*(?:(?=[\d]*[A-Z])[BCDFGHJKMPQRTVWXY234679]{5,}|[A-Z]-?\d{6,})(?![\w-])/g;
/** The id of a campaign has the same characters, and always 26 of them; see record/campaign-id.ts. */
const CAMPAIGN_ID = /^[0-7R][0-9A-HJKMNP-TV-Z]{25}$/;

/** The text with `mark` in place of each word that can be a code. */
export function hideCodes(text: string, mark: string): string {
  return text
    .replace(HANGUL_WORD, mark)
    .replace(LETTER_WORD, (word) => (CAMPAIGN_ID.test(word) ? word : mark));
}
