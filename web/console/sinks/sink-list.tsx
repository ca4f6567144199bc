import { useCallback } from "preact/hooks";
import type { Sink } from "../../../proto/gen/coupon/v1/sink_pb.ts";
import { hrefs } from "../session/router.ts";
import { useTitle } from "../session/use-title.ts";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { Table } from "../ui/table.tsx";
import { useEventsApi } from "./events-api.ts";
import { Instant, LastError, SinkBadge, SinkFailure } from "./sink-parts.tsx";
import { kindKey, lagText } from "./sink-state.ts";
import { useSinkWords } from "./sink-words.ts";
import { usePolled } from "./use-polled.ts";

const REFRESH_MS = 10_000;

export function SinkListPage() {
  const { t, s } = useSinkWords();
  const api = useEventsApi();
  useTitle(s("sinks.title"));
  const { value, error, reload } = usePolled(
    useCallback(() => api.listSinks({}), [api]),
    REFRESH_MS,
  );
  return (
    <>
      <div class="page-head">
        <h1>{s("sinks.title")}</h1>
        <div class="actions">
          <Button onClick={() => void reload()}>{t("list.refresh")}</Button>
        </div>
      </div>
      <p class="quiet">{s("sinks.about")}</p>
      {error === undefined ? null : <SinkFailure error={error} />}
      {value === undefined ? (
        error === undefined ? (
          <p class="quiet">{t("app.loading")}</p>
        ) : null
      ) : value.sinks.length === 0 ? (
        <div class="card empty">
          <p>{s("sinks.empty")}</p>
          <p class="quiet">{s("sinks.emptyHint")}</p>
        </div>
      ) : (
        <>
          <Deliverers processes={value.processes} />
          <SinkTable sinks={value.sinks} />
        </>
      )}
    </>
  );
}

function Deliverers({ processes }: { readonly processes: number }) {
  const { s } = useSinkWords();
  if (processes === 0) return <Notice kind="warning">{s("sinks.noProcess")}</Notice>;
  return <p class="quiet">{s("sinks.processes", { count: processes })}</p>;
}

function SinkTable({ sinks }: { readonly sinks: readonly Sink[] }) {
  const words = useSinkWords();
  const { s, number } = words;
  return (
    <Table
      caption={s("sinks.title")}
      rows={sinks}
      keyOf={({ name }) => name}
      columns={[
        {
          title: s("sink.name"),
          isHead: true,
          cell: ({ name, kind, target }) => (
            <>
              <a href={hrefs.sink(name)} class="campaign-name">
                {name}
              </a>
              <span class="tag">{s(kindKey(kind))}</span>
              <span class="id">{target}</span>
            </>
          ),
        },
        { title: s("sink.state"), cell: (sink) => <SinkBadge sink={sink} /> },
        { title: s("sink.lag"), isNumber: true, cell: (sink) => lagText(sink, words) },
        {
          title: s("sink.lastDelivery"),
          cell: ({ delivery }) => <Instant at={delivery?.lastDeliveredAt} none={s("sink.never")} />,
        },
        { title: s("sink.lastError"), cell: (sink) => <LastError sink={sink} /> },
        {
          title: s("sink.deadLetters"),
          isNumber: true,
          cell: ({ delivery }) => number(Number(delivery?.deadLetters ?? 0n)),
        },
      ]}
    />
  );
}
