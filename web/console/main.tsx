import { render } from "preact";
import { App } from "./app.tsx";
import { LanguageProvider } from "./i18n/language.tsx";
import { fetchLater, loadOperating } from "./session/load-operating.ts";
import { createSession, SessionProvider } from "./session/session.tsx";
import { keptTheme, showTheme } from "./ui/theme.ts";
import { ToastProvider } from "./ui/toasts.tsx";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no #app");
showTheme(keptTheme());
render(
  <LanguageProvider>
    <SessionProvider session={createSession(location.origin, loadOperating)}>
      <ToastProvider>
        <App />
      </ToastProvider>
    </SessionProvider>
  </LanguageProvider>,
  root,
);
fetchLater();
