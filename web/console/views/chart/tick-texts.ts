/** The texts of an axis: one that says the same as the tick before it, as within a second, is left out. */
export function withoutRepeats(texts: readonly string[]): string[] {
  return texts.map((text, at) => (text === texts[at - 1] ? "" : text));
}
