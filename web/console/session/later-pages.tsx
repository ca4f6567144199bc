import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import type { Route } from "./router.ts";

type Pages = ComponentType<{ readonly route: Route }>;

/** Once loaded they are there at once. */
let loaded: Pages | undefined;

/** The pages about sinks, in a file of their own: who looks at campaigns alone loads nothing of them. */
export function LaterPages({ route }: { readonly route: Route }) {
  const { t } = useWords();
  const [Shown, setShown] = useState<{ readonly Pages: Pages } | undefined>(
    loaded === undefined ? undefined : { Pages: loaded },
  );
  const [isMissing, setMissing] = useState(false);
  const load = async (): Promise<void> => {
    setMissing(false);
    try {
      const { SinkPages } = await import("../sinks/sink-pages.tsx");
      loaded = SinkPages;
      setShown({ Pages: SinkPages });
    } catch {
      // No network, or the service has another version by now.
      setMissing(true);
    }
  };
  useEffect(() => {
    if (Shown === undefined) void load();
  }, []);
  if (Shown !== undefined) return <Shown.Pages route={route} />;
  if (!isMissing) return <p class="quiet">{t("app.loading")}</p>;
  return (
    <Notice kind="alarm">
      <p>{t("signIn.incomplete")}</p>
      <Button onClick={() => void load()}>{t("app.again")}</Button>
    </Notice>
  );
}
