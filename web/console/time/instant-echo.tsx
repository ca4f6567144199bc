import { useWords } from "../i18n/language.tsx";
import { viewerZone } from "./zones.ts";

/** An instant on the clocks of several zones, each once: the viewer's, those given, and UTC. */
export function InstantEcho(props: { readonly epochMs: number; readonly zones?: readonly string[] }) {
  const { instant, t } = useWords();
  const own = viewerZone();
  const zones = [...new Set([own, ...(props.zones ?? []), "UTC"])];
  return (
    <ul class="echo">
      {zones.map((zone) => (
        <li key={zone}>
          <span class="instant">{instant(props.epochMs, zone)}</span>{" "}
          <span class="quiet">{zone === own ? t("instant.yours", { zone }) : zone}</span>
        </li>
      ))}
    </ul>
  );
}
