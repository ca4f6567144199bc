/** What codes that were not made here are like. */
type SeenCodes = {
  /** The characters of the shortest. */
  readonly shortest: number;
  readonly digits: boolean;
  readonly letters: boolean;
  readonly syllables: boolean;
};

/** Of the Unicode block. */
const SYLLABLES = 11_172;

/**
 * Odds, from 0 to 1, that one guess hits one of so many codes, were they random among all codes of these
 * characters with the length of the shortest. Nobody knows how they were made: the real odds may be higher.
 */
export function oddsOfImported({ shortest, digits, letters, syllables }: SeenCodes, total: number): number {
  const characters = (digits ? 10 : 0) + (letters ? 26 : 0) + (syllables ? SYLLABLES : 0);
  return Math.min(1, total / characters ** shortest);
}
