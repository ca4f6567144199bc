import { useCallback } from "preact/hooks";
import { RefusalReason } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { failureOf } from "../session/failure-words.ts";
import { hrefs } from "../session/router.ts";
import { useTitle } from "../session/use-title.ts";
import { Notice } from "../ui/notice.tsx";
import { useEventsApi } from "./events-api.ts";
import { FailingTable, SinkFacts, SinkFigures } from "./sink-facts.tsx";
import { Instant, LastError, SinkBadge, SinkFailure } from "./sink-parts.tsx";
import { kindKey } from "./sink-state.ts";
import { useSinkWords } from "./sink-words.ts";
import { usePolled } from "./use-polled.ts";

const REFRESH_MS = 5_000;

/** One sink: how its deliveries go, and its settings. */
export function SinkPage({ name }: { readonly name: string }) {
  const { t, s } = useSinkWords();
  const api = useEventsApi();
  useTitle(name, s("sinks.title"));
  const { value, error } = usePolled(
    useCallback(() => api.getSink({ name }), [api, name]),
    REFRESH_MS,
  );
  const sink = value?.sink;
  if (error !== undefined && failureOf(error).reason === RefusalReason.UNKNOWN_SINK)
    return (
      <Notice kind="warning">
        <p>{s("sink.noSuch")}</p>
        <a href={hrefs.sinks}>{s("sinks.title")}</a>
      </Notice>
    );
  if (sink === undefined)
    return error === undefined ? <p class="quiet">{t("app.loading")}</p> : <SinkFailure error={error} />;
  return (
    <>
      <div class="page-head">
        <h1>{sink.name}</h1>
        <SinkBadge sink={sink} />
        <span class="tag">{s(kindKey(sink.kind))}</span>
      </div>
      {error === undefined ? null : <SinkFailure error={error} />}
      {sink.goneBecause === "" ? null : (
        <Notice kind="warning">{s("sink.gone", { why: sink.goneBecause })}</Notice>
      )}
      <div class="card">
        <SinkFigures sink={sink} />
        <dl class="facts">
          <div>
            <dt>{s("sink.lastDelivery")}</dt>
            <dd>
              <Instant at={sink.delivery?.lastDeliveredAt} none={s("sink.never")} />
            </dd>
          </div>
          <div>
            <dt>{s("sink.lastError")}</dt>
            <dd>
              <LastError sink={sink} />
            </dd>
          </div>
        </dl>
      </div>
      <FailingTable sink={sink} />
      <section class="card" aria-labelledby="settings">
        <h2 id="settings">{s("sink.settings")}</h2>
        <SinkFacts sink={sink} />
      </section>
    </>
  );
}
