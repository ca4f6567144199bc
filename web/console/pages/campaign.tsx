import { useEffect, useState } from "preact/hooks";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { ActionBar } from "../actions/action-bar.tsx";
import { BigCountdown } from "../campaign/big-countdown.tsx";
import { History } from "../campaign/history.tsx";
import { Numbers } from "../campaign/numbers.tsx";
import { Overview } from "../campaign/overview.tsx";
import { useWords } from "../i18n/language.tsx";
import { FIRST_TAB, hrefs } from "../session/router.ts";
import { useApi } from "../session/session.tsx";
import { useTitle } from "../session/use-title.ts";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Notice } from "../ui/notice.tsx";
import { StateBadge, stateKey } from "../ui/state-badge.tsx";
import type { View } from "../views/view.ts";
import { views } from "../views/views.ts";
import { useWatch } from "../watch/use-watch.ts";
import { WatchPhaseLine } from "../watch/watch-phase.tsx";

const TABS: readonly View[] = [
  { id: FIRST_TAB, title: "campaign.overview", component: Overview },
  ...views,
  { id: "history", title: "campaign.history", component: History },
];

export function CampaignPage({ campaignId, tab }: { readonly campaignId: string; readonly tab: string }) {
  const { t } = useWords();
  const api = useApi();
  const watch = useWatch(campaignId);
  const [read, setRead] = useState<Campaign>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    // A stream may be refused where all are in use: the campaign itself is shown all the same.
    api
      .getCampaign({ campaignId, view: CampaignView.BASIC })
      .then(({ campaign }) => setRead(campaign), setError);
  }, [api, campaignId]);

  const campaign = watch.message?.campaign ?? read;
  useTitle(...(campaign === undefined ? [] : [`${t(stateKey(campaign.state))}: ${campaign.name}`]));
  if (watch.phase === "gone") return <Notice kind="alarm">{t("watch.gone")}</Notice>;
  if (campaign === undefined)
    return error === undefined ? <p class="quiet">{t("app.loading")}</p> : <FailureNotice error={error} />;
  const shown = TABS.find(({ id }) => id === tab);
  return (
    <>
      <div class="page-head">
        <h1>{campaign.name}</h1>
        <StateBadge state={campaign.state} />
        <WatchPhaseLine phase={watch.phase} />
        <div class="actions">
          <a class="button button-quiet" href={hrefs.wall(campaignId)}>
            {t("campaign.wall")}
          </a>
        </div>
      </div>
      <div class="card head-card">
        <BigCountdown campaign={campaign} />
        <Numbers campaign={campaign} watch={watch} />
        <ActionBar campaign={campaign} />
      </div>
      <nav class="tabs" aria-label={t("campaign.tabs")}>
        {TABS.map(({ id, title }) => (
          <a key={id} href={hrefs.campaign(campaignId, id)} aria-current={id === tab ? "page" : undefined}>
            {t(title)}
          </a>
        ))}
      </nav>
      {shown === undefined ? (
        <Notice kind="warning">{t("app.unknownPage")}</Notice>
      ) : (
        <shown.component {...{ campaignId, campaign, watch, api }} />
      )}
    </>
  );
}
