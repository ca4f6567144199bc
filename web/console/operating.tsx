import { useWords } from "./i18n/language.tsx";
import { CampaignPage } from "./pages/campaign.tsx";
import { CampaignListPage } from "./pages/campaign-list.tsx";
import { CreateCampaignPage } from "./pages/create-campaign.tsx";
import { WallPage } from "./pages/wall.tsx";
import { LaterPages } from "./session/later-pages.tsx";
import { openSession } from "./session/open-session.ts";
import type { OperatingPart } from "./session/operating-part.ts";
import type { Route } from "./session/router.ts";
import { FailureNotice } from "./ui/failure-notice.tsx";
import { Notice } from "./ui/notice.tsx";

function Pages({ route }: { readonly route: Route }) {
  const { t } = useWords();
  switch (route.page) {
    case "list":
      return <CampaignListPage />;
    case "create":
      return <CreateCampaignPage />;
    case "campaign":
      return <CampaignPage key={route.campaignId} campaignId={route.campaignId} tab={route.tab} />;
    case "wall":
      return <WallPage key={route.campaignId} campaignId={route.campaignId} />;
    case "sinks":
    case "sink":
      return <LaterPages route={route} />;
    default:
      return <Notice kind="warning">{t("app.unknownPage")}</Notice>;
  }
}

/** What only a signed-in operator needs, in a file of its own: the sign-in is shown without it. */
export const operating: OperatingPart = { openSession, Pages, FailureNotice };
