import type { Words } from "./words.ts";
import { EN } from "./words-en.ts";
import { KO } from "./words-ko.ts";

export const LANGUAGES: readonly Words[] = [EN, KO];

/** The first language of the customer that the page speaks; English otherwise. */
export function wordsFor(languages: readonly string[]): Words {
  for (const language of languages) {
    const words = LANGUAGES.find(({ lang }) => language.toLowerCase().split("-")[0] === lang);
    if (words !== undefined) return words;
  }
  return EN;
}
