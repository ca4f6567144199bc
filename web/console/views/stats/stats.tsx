import { useEffect, useMemo, useState } from "preact/hooks";
import { lateness } from "../../../../operator/lateness.ts";
import type { GetCampaignStatsResponse } from "../../../../proto/gen/coupon/v1/stats_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import { useStore } from "../../session/store.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { Field } from "../../ui/field.tsx";
import { createAskedCall } from "../call-state.ts";
import { keptFor } from "../kept.ts";
import { durationText } from "../texts.ts";
import type { ViewProps } from "../view.ts";
import { BUCKETS_MAX, BUCKETS_MS } from "./sale-bars.ts";
import { SaleChart } from "./sale-chart.tsx";

/** The sale around its start: how late the first coupon was, how fast, how long until all were gone. */
export function StatsView({ api, campaign, campaignId }: ViewProps) {
  const words = useWords();
  const { t } = words;
  const [bucketMs, setBucketMs] = useState<number>(0);
  const asked = keptFor(api, `stats ${campaignId}`, () => createAskedCall<GetCampaignStatsResponse>());
  const { busy, answer, error } = useStore(asked.state);
  const because = campaign.issued === 0 ? t("stats.nothingYet") : undefined;

  const ask = (chosenMs: number) =>
    void asked.ask(() =>
      api.getCampaignStats({ campaignId, bucketMs: chosenMs, buckets: chosenMs === 0 ? 0 : BUCKETS_MAX }),
    );
  useEffect(() => {
    if (because === undefined && asked.state.get().answer === undefined) ask(bucketMs);
  }, [because === undefined]);

  return (
    <section class="card" aria-labelledby="stats">
      <h2 id="stats">{t("stats.title")}</h2>
      <p>{t("stats.about")}</p>
      <div class="row-of-fields">
        <Field label={t("stats.bucket")}>
          {(ids) => (
            <select
              {...ids}
              value={bucketMs}
              onChange={(event) => {
                const chosen = Number(event.currentTarget.value);
                setBucketMs(chosen);
                if (because === undefined) ask(chosen);
              }}
            >
              {BUCKETS_MS.map((ms) => (
                <option key={ms} value={ms}>
                  {ms === 0 ? t("stats.automatic") : durationText(ms, words)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Button busy={busy} disabledBecause={because} onClick={() => ask(bucketMs)}>
          {t("stats.refresh")}
        </Button>
      </div>
      {because === undefined ? null : <p class="quiet">{because}</p>}
      {busy && answer === undefined ? <p class="quiet">{t("app.loading")}</p> : null}
      {error === undefined ? null : <FailureNotice error={error} />}
      {answer?.campaign === undefined || because !== undefined ? null : <Stats answer={answer} />}
    </section>
  );
}

function Stats({ answer }: { readonly answer: GetCampaignStatsResponse }) {
  const words = useWords();
  const { t } = words;
  const facts = useMemo(() => factsOf(answer, words), [answer, words]);
  return (
    <>
      <dl class="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <SaleChart answer={answer} />
      {answer.issuedLater === 0 ? null : (
        <p class="quiet">{t("stats.later", { count: answer.issuedLater })}</p>
      )}
      {answer.truncated ? <p class="quiet">{t("stats.truncated")}</p> : null}
    </>
  );
}

function factsOf(answer: GetCampaignStatsResponse, words: ReturnType<typeof useWords>): [string, string][] {
  const { t } = words;
  const { openingLateMs, firstCouponLateMs, soldOutAfterMs } = lateness(answer);
  const after = (ms: number | undefined, none: string) =>
    ms === undefined ? none : t("stats.afterStart", { time: durationText(ms, words) });
  const { campaign, issuedEarly, peakPerSecond } = answer;
  const facts: [string, string][] = [
    [
      t("stats.issued"),
      t("campaign.issuedOf", { issued: campaign?.issued ?? 0, total: campaign?.total ?? 0 }),
    ],
    [t("stats.opened"), after(openingLateMs, t("stats.notYet"))],
    [t("stats.first"), after(firstCouponLateMs, t("stats.notYet"))],
    [t("stats.soldOut"), after(soldOutAfterMs, t("stats.notSoldOut"))],
    [t("stats.fastest"), t("stats.inOneSecond", { count: peakPerSecond })],
  ];
  if (issuedEarly > 0) facts.push([t("stats.early"), words.number(issuedEarly)]);
  return facts;
}
