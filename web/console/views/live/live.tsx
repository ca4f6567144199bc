import { useMemo } from "preact/hooks";
import { EventList } from "../../campaign/event-list.tsx";
import { useWords } from "../../i18n/language.tsx";
import type { ViewProps } from "../view.ts";
import { AnswerTable } from "./answer-table.tsx";
import { ProcessTable } from "./process-table.tsx";
import { marksOf, pausesOf } from "./sale-marks.ts";
import { TrafficCharts } from "./traffic-charts.tsx";
import { pointsOf } from "./traffic-points.ts";

/** The sale as it happens: charts, answers, processes and events. */
export function LiveView({ campaign, watch }: ViewProps) {
  const { t } = useWords();
  const { samples, events, message } = watch;
  const points = useMemo(() => pointsOf(samples), [samples]);
  const happened = useMemo(() => events.map(({ event }) => event), [events]);
  const marks = useMemo(() => marksOf(campaign, happened), [campaign, happened]);
  const pauses = useMemo(() => pausesOf(campaign, happened), [campaign, happened]);
  if (message === undefined) return <p class="quiet">{t("app.loading")}</p>;
  return (
    <>
      <section class="card" aria-labelledby="live-traffic">
        <h2 id="live-traffic">{t("live.traffic")}</h2>
        <TrafficCharts points={points} marks={marks} pauses={pauses} />
      </section>
      <section class="card" aria-labelledby="live-answers">
        <h2 id="live-answers">{t("live.answers")}</h2>
        <AnswerTable traffic={message.traffic} ledgerDepth={message.ledgerDepth} />
      </section>
      <section class="card" aria-labelledby="live-processes">
        <h2 id="live-processes">{t("live.processes")}</h2>
        <ProcessTable processes={message.processes} />
      </section>
      <section class="card" aria-labelledby="live-events">
        <h2 id="live-events">{t("live.events")}</h2>
        <EventList events={events} />
      </section>
    </>
  );
}
