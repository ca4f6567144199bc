import { useMemo } from "preact/hooks";
import type { SameKeys } from "../i18n/entry.ts";
import { useWords } from "../i18n/language.tsx";
import { sinksEn } from "../i18n/sinks-en.ts";
import { sinksKo } from "../i18n/sinks-ko.ts";
import type { ArgsOf, Language, Words } from "../i18n/words.ts";

type SinkKey = keyof typeof sinksEn;

/** The words of the page, and as `s` the texts about sinks. */
export type SinkWords = Words & {
  s<K extends SinkKey>(key: K, ...args: ArgsOf<(typeof sinksEn)[K]>): string;
};

/** Keys of texts without placeholders. */
export type PlainSinkKey = {
  [K in SinkKey]: ArgsOf<(typeof sinksEn)[K]> extends [] ? K : never;
}[SinkKey];

const DICTIONARIES: Readonly<Record<Language, SameKeys<typeof sinksEn>>> = { en: sinksEn, ko: sinksKo };

export function sinkWords(words: Words): SinkWords {
  const dictionary = DICTIONARIES[words.language];
  return { ...words, s: (key, ...[args]) => words.filled(dictionary[key], args) };
}

export function useSinkWords(): SinkWords {
  const words = useWords();
  return useMemo(() => sinkWords(words), [words]);
}
