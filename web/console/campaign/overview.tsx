import { useWords } from "../i18n/language.tsx";
import type { ViewProps } from "../views/view.ts";
import { CampaignFacts } from "./campaign-facts.tsx";
import { EventList } from "./event-list.tsx";

export function Overview({ campaign, watch }: ViewProps) {
  const { t } = useWords();
  return (
    <div class="columns">
      <section class="card" aria-labelledby="facts-title">
        <h2 id="facts-title">{t("fact.title")}</h2>
        <CampaignFacts campaign={campaign} />
      </section>
      <section class="card" aria-labelledby="events-title">
        <h2 id="events-title">{t("event.title")}</h2>
        <EventList events={watch.events} />
      </section>
    </div>
  );
}
