import { useEffect } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";

/** The title of the browser's tab while the component is mounted. */
export function useTitle(...parts: readonly string[]): void {
  const { t } = useWords();
  const title = [...parts, t("app.title")].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
