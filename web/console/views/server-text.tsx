import { useWords } from "../i18n/language.tsx";
import { viewerZone } from "../time/zones.ts";
import { withInstants } from "./instants-in-text.ts";

/** Words of the service, which are English; its instants are also shown on the viewer's clock. */
export function ServerText({ text }: { readonly text: string }) {
  const { instant } = useWords();
  return <span lang="en">{withInstants(text, (epochMs) => instant(epochMs, viewerZone()))}</span>;
}
