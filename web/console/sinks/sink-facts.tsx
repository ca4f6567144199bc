import type { Sink } from "../../../proto/gen/coupon/v1/sink_pb.ts";
import { SinkKind } from "../../../proto/gen/coupon/v1/sink_pb.ts";
import { hrefs } from "../session/router.ts";
import { Table } from "../ui/table.tsx";
import { ServerText } from "../views/server-text.tsx";
import { Instant } from "./sink-parts.tsx";
import { kindKey, lagTime } from "./sink-state.ts";
import { useSinkWords } from "./sink-words.ts";

/** How the deliveries to a sink go, in numbers. */
export function SinkFigures({ sink: { delivery } }: { readonly sink: Sink }) {
  const words = useSinkWords();
  const { s, number } = words;
  if (delivery === undefined) return null;
  const figures = [
    [s("sink.delivered"), number(Number(delivery.delivered))],
    [s("sink.waiting"), number(Number(delivery.waiting))],
    [s("sink.lag"), lagTime(delivery.lagMs, words)],
    [s("sink.failed"), number(Number(delivery.failedAttempts))],
    [s("sink.deadLetters"), number(Number(delivery.deadLetters))],
  ] as const;
  return (
    <dl class="figures">
      {figures.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The settings of a sink. */
export function SinkFacts({ sink }: { readonly sink: Sink }) {
  const { s } = useSinkWords();
  const { campaignId, types, thresholds, since, delivery, secretSha256Prefixes } = sink;
  const process = delivery?.process;
  return (
    <dl class="details">
      <dt>{s("sink.kind")}</dt>
      <dd>{s(kindKey(sink.kind))}</dd>
      <dt>{s("sink.target")}</dt>
      <dd>
        <span class="id">{sink.target}</span>
        <p class="quiet small">{s("sink.targetHint")}</p>
      </dd>
      <dt>{s("sink.campaign")}</dt>
      <dd>
        {campaignId === "" ? (
          s("sink.allCampaigns")
        ) : (
          <a class="id" href={hrefs.campaign(campaignId)}>
            {campaignId}
          </a>
        )}
      </dd>
      <dt>{s("sink.types")}</dt>
      <dd>{types.join(", ") || s("sink.allTypes")}</dd>
      <dt>{s("sink.thresholds")}</dt>
      <dd>{thresholds.join(", ") || s("sink.noThresholds")}</dd>
      <dt>{s("sink.since")}</dt>
      <dd>
        <Instant at={since} none={s("sink.beginning")} />
      </dd>
      {sink.kind === SinkKind.WEBHOOK ? (
        <>
          <dt>{s("sink.batched")}</dt>
          <dd>{s(sink.batched ? "sink.batchedMany" : "sink.batchedOne")}</dd>
          <dt>{s("sink.secrets")}</dt>
          <dd>
            <span class="id">{secretSha256Prefixes.map((prefix) => `${prefix}…`).join(", ")}</span>
            <p class="quiet small">
              {s("sink.secretHint")} <SecretOverlap sink={sink} />
            </p>
          </dd>
        </>
      ) : null}
      <dt>{s("sink.process")}</dt>
      <dd>
        {process === undefined ? s("sink.noneProcess") : `${process.host || process.id}/${process.pid}`}
      </dd>
      <dt>{s("sink.added")}</dt>
      <dd>
        <Instant at={sink.addedAt} none="–" /> · <bdi>{sink.addedBy}</bdi>
      </dd>
      {sink.changedAt === undefined ? null : (
        <>
          <dt>{s("sink.changed")}</dt>
          <dd>
            <Instant at={sink.changedAt} none="–" /> · <bdi>{sink.changedBy}</bdi>
          </dd>
        </>
      )}
    </dl>
  );
}

function SecretOverlap({ sink: { overlapUntil } }: { readonly sink: Sink }) {
  const { s } = useSinkWords();
  if (overlapUntil === undefined) return null;
  const [before = "", after = ""] = s("sink.secretUntil", { at: "\n" }).split("\n");
  return (
    <span>
      {before}
      <Instant at={overlapUntil} none="" />
      {after}
    </span>
  );
}

/** The campaigns whose next event the sink refuses. */
export function FailingTable({ sink: { delivery } }: { readonly sink: Sink }) {
  const { s, number } = useSinkWords();
  const failing = delivery?.failing ?? [];
  if (failing.length === 0) return null;
  return (
    <section class="card" aria-labelledby="failing">
      <h2 id="failing">{s("failing.title")}</h2>
      <p class="quiet">{s("failing.about")}</p>
      <Table
        caption={s("failing.title")}
        rows={failing}
        keyOf={({ campaignId }) => campaignId}
        columns={[
          {
            title: s("failing.campaign"),
            isHead: true,
            cell: ({ campaignId }) => (
              <a class="id" href={hrefs.campaign(campaignId)}>
                {campaignId}
              </a>
            ),
          },
          { title: s("failing.error"), cell: ({ error }) => <ServerText text={error} /> },
          { title: s("failing.since"), cell: ({ since }) => <Instant at={since} none="–" /> },
          { title: s("failing.attempts"), isNumber: true, cell: ({ attempts }) => number(attempts) },
          { title: s("failing.next"), cell: (one) => <Instant at={one.nextAttemptAt} none="–" /> },
        ]}
      />
    </section>
  );
}
