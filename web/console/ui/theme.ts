import { createPreference } from "../session/preference.ts";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const kept = createPreference("theme", THEMES, () => localStorage);

/** `auto`: as the device prefers. */
export function keptTheme(): Theme {
  return kept.get() ?? "auto";
}

export function showTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function chooseTheme(theme: Theme): void {
  kept.set(theme === "auto" ? undefined : theme);
  showTheme(theme);
}
