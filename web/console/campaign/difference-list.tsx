import { Fragment } from "preact";
import { useWords } from "../i18n/language.tsx";
import { viewerZone } from "../time/zones.ts";
import { differencesOf, type Settings } from "./differences.ts";

export function DifferenceList(props: { readonly before: Settings; readonly after: Settings }) {
  const words = useWords();
  const { t } = words;
  const differences = differencesOf(props.before, props.after, words, viewerZone());
  if (differences.length === 0) return <p class="quiet">{t("change.noDifference")}</p>;
  return (
    <dl class="details">
      {differences.map(({ title, before, after }) => (
        <Fragment key={title}>
          <dt>{t(title)}</dt>
          <dd>
            <bdi class="quiet">{before}</bdi> <span aria-hidden="true">→</span>
            <span class="visually-hidden">{t("change.becomes")}</span>{" "}
            <strong>
              <bdi>{after}</bdi>
            </strong>
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}
