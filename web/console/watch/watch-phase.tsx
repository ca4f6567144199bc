import { useWords } from "../i18n/language.tsx";
import type { WatchPhase } from "./watch-campaign.ts";

/** Says whether what is shown is live. Changes are read out politely. */
export function WatchPhaseLine({ phase }: { readonly phase: WatchPhase }) {
  const { t } = useWords();
  return (
    <p class={`phase phase-${phase}`} role="status" aria-live="polite">
      <span class="phase-dot" aria-hidden="true" />
      {t(`watch.${phase}`)}
    </p>
  );
}
