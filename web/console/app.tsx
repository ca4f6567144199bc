import { useEffect, useState } from "preact/hooks";
import { useLanguage } from "./i18n/language.tsx";
import { LANGUAGES, type Language } from "./i18n/words.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import { hrefs, type Route, useRoute } from "./session/router.ts";
import { useSession } from "./session/session.tsx";
import { useStore } from "./session/store.ts";
import { chooseTheme, keptTheme, THEMES, type Theme } from "./ui/theme.ts";

export function App() {
  const { words } = useLanguage();
  const { t } = words;
  const session = useSession();
  const state = useStore(session.state);
  const self = useStore(session.self);
  const route = useRoute();
  const page = route.page + ("campaignId" in route ? route.campaignId : "name" in route ? route.name : "");
  useEffect(() => {
    // A reader hears the new page, and the keyboard goes on there.
    if (state.signedIn) document.getElementById("content")?.focus();
  }, [page, state.signedIn]);
  return (
    <>
      <header class="bar">
        <a class="bar-title" href={hrefs.list}>
          {t("app.title")}
        </a>
        {state.signedIn ? (
          <nav class="bar-nav" aria-label={t("app.pages")}>
            <a href={hrefs.list} aria-current={isOfSinks(route) ? undefined : "true"}>
              {t("list.title")}
            </a>
            <a href={hrefs.sinks} aria-current={isOfSinks(route) ? "true" : undefined}>
              {t("app.sinks")}
            </a>
          </nav>
        ) : null}
        <div class="bar-tools">
          <ThemeChoice />
          <LanguageChoice />
          {state.signedIn && self !== undefined ? <span class="bar-self">{t("app.self", self)}</span> : null}
          {state.signedIn ? (
            <button type="button" class="button button-quiet" onClick={() => session.signOut()}>
              {t("app.signOut")}
            </button>
          ) : null}
        </div>
      </header>
      {state.signedIn ? (
        <main id="content" tabIndex={-1}>
          <state.Pages route={route} />
        </main>
      ) : (
        <SignInPage why={state.why} />
      )}
    </>
  );
}

const isOfSinks = ({ page }: Route): boolean => page === "sinks" || page === "sink";

function LanguageChoice() {
  const { words, choose } = useLanguage();
  return (
    <select
      class="quiet-select"
      aria-label={words.t("app.language")}
      value={words.language}
      onChange={(event) => choose(event.currentTarget.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([language, name]) => (
        <option key={language} value={language} lang={language}>
          {name}
        </option>
      ))}
    </select>
  );
}

function ThemeChoice() {
  const { words } = useLanguage();
  const [theme, choose] = useState(keptTheme);
  return (
    <select
      class="quiet-select"
      aria-label={words.t("app.theme")}
      value={theme}
      onChange={(event) => {
        const chosen = event.currentTarget.value as Theme;
        chooseTheme(chosen);
        choose(chosen);
      }}
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {words.t(`app.theme.${one}`)}
        </option>
      ))}
    </select>
  );
}
