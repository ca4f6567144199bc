import { type ComponentChildren, createContext } from "preact";
import { useContext, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { createPreference } from "../session/preference.ts";
import { createWords, LANGUAGES, type Language, languageOf, type Words } from "./words.ts";

export type LanguageChoice = { readonly words: Words; choose(language: Language): void };

const Context = createContext<LanguageChoice | undefined>(undefined);

const kept = createPreference("language", Object.keys(LANGUAGES) as Language[], () => localStorage);

/** The page's language: that of the browser, until another is chosen. */
export function LanguageProvider({ children }: { readonly children: ComponentChildren }) {
  const [language, setLanguage] = useState<Language>(() => kept.get() ?? languageOf(navigator.languages));
  const choice = useMemo(() => {
    const choose = (chosen: Language): void => {
      kept.set(chosen);
      setLanguage(chosen);
    };
    return { words: createWords(language), choose };
  }, [language]);
  useLayoutEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return <Context.Provider value={choice}>{children}</Context.Provider>;
}

export function useLanguage(): LanguageChoice {
  const choice = useContext(Context);
  if (choice === undefined) throw new Error("useLanguage: outside of LanguageProvider");
  return choice;
}

export function useWords(): Words {
  return useLanguage().words;
}
