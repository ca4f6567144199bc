import type { Traffic } from "../../../../proto/gen/coupon/v1/watch_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Table } from "../../ui/table.tsx";
import { outcomeKey, outcomeKind } from "./outcomes.ts";

type AnswerProps = { readonly traffic: Traffic | undefined; readonly ledgerDepth: number };

/** The answers to callers by outcome: the rate now, and how many in all. */
export function AnswerTable({ traffic, ledgerDepth }: AnswerProps) {
  const { t, number } = useWords();
  if (traffic === undefined) return <Notice kind="alarm">{t("live.noTraffic")}</Notice>;
  return (
    <>
      {traffic.outcomes.length === 0 ? (
        <p class="quiet">{t("live.noAnswers")}</p>
      ) : (
        <Table
          caption={t("live.answers")}
          rows={traffic.outcomes}
          keyOf={({ outcome }) => outcome}
          columns={[
            {
              title: t("live.outcome"),
              isHead: true,
              cell: ({ outcome }) => {
                const key = outcomeKey(outcome);
                return (
                  <span class={`outcome outcome-${outcomeKind(outcome)}`}>
                    {key === undefined ? outcome.replaceAll("_", " ") : t(key)}
                  </span>
                );
              },
            },
            {
              title: t("live.perSecond"),
              isNumber: true,
              cell: ({ perSecond }) => number(perSecond, perSecond < 10 ? 1 : 0),
            },
            { title: t("live.inAll"), isNumber: true, cell: ({ total }) => number(Number(total)) },
          ]}
        />
      )}
      <p class="quiet">{t("live.ledger", { count: ledgerDepth })}</p>
    </>
  );
}
