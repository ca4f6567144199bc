import { BigCountdown } from "../campaign/big-countdown.tsx";
import { useWords } from "../i18n/language.tsx";
import { hrefs } from "../session/router.ts";
import { useTitle } from "../session/use-title.ts";
import { Notice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { StateBadge, stateKey } from "../ui/state-badge.tsx";
import { useWatch } from "../watch/use-watch.ts";
import { WatchPhaseLine } from "../watch/watch-phase.tsx";

/** Big numbers for a screen on the wall. */
export function WallPage({ campaignId }: { readonly campaignId: string }) {
  const { t, number, percent } = useWords();
  const watch = useWatch(campaignId);
  const { message, phase } = watch;
  const campaign = message?.campaign;
  useTitle(...(campaign === undefined ? [] : [`${t(stateKey(campaign.state))}: ${campaign.name}`]));
  if (phase === "gone" || phase === "denied") return <Notice kind="alarm">{t(`watch.${phase}`)}</Notice>;
  if (message === undefined || campaign === undefined) return <WatchPhaseLine phase={phase} />;
  const { issued, total } = campaign;
  const label = t("campaign.issuedOf", { issued, total });
  return (
    <div class="wall">
      <div class="page-head">
        <h1>{campaign.name}</h1>
        <StateBadge state={campaign.state} />
        <WatchPhaseLine phase={phase} />
        <a class="button button-quiet" href={hrefs.campaign(campaignId)}>
          {t("wall.leave")}
        </a>
      </div>
      <BigCountdown campaign={campaign} />
      <dl class="figures">
        <div>
          <dt>{t("campaign.remaining")}</dt>
          <dd>{number(message.remaining)}</dd>
        </div>
        <div>
          <dt>{t("campaign.issued")}</dt>
          <dd>{number(issued)}</dd>
        </div>
        <div>
          <dt>{t("campaign.rate")}</dt>
          <dd>{phase === "live" ? number(message.issuedPerSecond, 0) : "–"}</dd>
        </div>
        <div>
          <dt>{t("campaign.share")}</dt>
          <dd>{percent(issued / Math.max(1, total))}</dd>
        </div>
      </dl>
      <Progress label={label} value={issued} max={total} />
    </div>
  );
}
