import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { useWords } from "../i18n/language.tsx";
import { Progress } from "../ui/progress.tsx";
import type { WatchState } from "../watch/watch-campaign.ts";

type NumbersProps = { readonly campaign: Campaign; readonly watch: WatchState };

/** Issued, remaining and the rate; while codes are made, how far that is. */
export function Numbers({ campaign, watch }: NumbersProps) {
  const { t, number, percent } = useWords();
  const { issued, total, generated, adding } = campaign;
  const { message, phase } = watch;
  const remaining = message?.remaining ?? Math.max(0, total - issued);
  const ordered = total + adding;
  const label = t("campaign.issuedOf", { issued, total });
  const made = t("campaign.madeOf", { made: generated, ordered });
  return (
    <div class="numbers">
      <dl class="figures">
        <div>
          <dt>{t("campaign.issued")}</dt>
          <dd>{number(issued)}</dd>
        </div>
        <div>
          <dt>{t("campaign.remaining")}</dt>
          <dd>{number(remaining)}</dd>
        </div>
        <div>
          <dt>{t("campaign.total")}</dt>
          <dd>{number(total)}</dd>
        </div>
        <div>
          <dt>{t("campaign.rate")}</dt>
          <dd>{phase === "live" && message !== undefined ? number(message.issuedPerSecond, 0) : "–"}</dd>
        </div>
      </dl>
      <div>
        <Progress label={label} value={issued} max={total} />
        <p class="quiet small">
          {t("campaign.issuedShare", { share: percent(issued / Math.max(1, total)) })}
        </p>
      </div>
      {generated < ordered ? (
        <div>
          <Progress label={made} value={generated} max={ordered} />
          <p class="quiet small">{made}</p>
        </div>
      ) : null}
    </div>
  );
}
