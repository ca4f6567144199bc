/**
 * Names one character for an error message: `"나" (U+B098)`, or only `U+200B` where there is nothing to see.
 *
 * @param character one code point; a lone surrogate is named by its number
 */
export function nameCodePoint(character: string): string {
  const number = character.codePointAt(0) ?? 0;
  const name = `U+${number.toString(16).toUpperCase().padStart(4, "0")}`;
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `"${character}" (${name})` : name;
}
