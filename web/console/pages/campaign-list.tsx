import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Campaign, CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { useWords } from "../i18n/language.tsx";
import { useWhyDenied } from "../session/denied.ts";
import { hrefs } from "../session/router.ts";
import { useApi } from "../session/session.tsx";
import { useTitle } from "../session/use-title.ts";
import { Countdown } from "../time/countdown.tsx";
import { viewerZone } from "../time/zones.ts";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { CheckField } from "../ui/field.tsx";
import { Progress } from "../ui/progress.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Table } from "../ui/table.tsx";
import { type Listed, withNewest, withNextPage } from "./listed.ts";

const PAGE_SIZE = 50;
const REFRESH_MS = 10_000;

export function CampaignListPage() {
  const { t } = useWords();
  const api = useApi();
  useTitle(t("list.title"));
  const whyNoNew = useWhyDenied()("CreateCampaign");
  const [listed, setListed] = useState<Listed>();
  const [error, setError] = useState<unknown>();
  const [includeRehearsals, setIncludeRehearsals] = useState(false);

  const loads = useRef(0);

  /** Of several under way, the one that was begun last counts. */
  const load = useCallback(
    async (before: Listed | undefined) => {
      const own = ++loads.current;
      try {
        const pageToken = before?.nextPageToken ?? "";
        const page = await api.listCampaigns({ pageSize: PAGE_SIZE, pageToken, includeRehearsals });
        if (own !== loads.current) return;
        setError(undefined);
        setListed(withNextPage(before, page));
      } catch (failed) {
        if (own === loads.current) setError(failed);
      }
    },
    [api, includeRehearsals],
  );
  useEffect(() => void load(undefined), [load]);
  useEffect(() => {
    const timer = setInterval(async () => {
      if (document.visibilityState !== "visible") return;
      const own = loads.current;
      try {
        const newest = await api.listCampaigns({ pageSize: PAGE_SIZE, includeRehearsals });
        if (own !== loads.current) return;
        setError(undefined);
        setListed((before) => withNewest(before, newest, PAGE_SIZE));
      } catch (failed) {
        // What is shown stays, and may be old.
        if (own === loads.current) setError(failed);
      }
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [api, includeRehearsals]);

  return (
    <>
      <div class="page-head">
        <h1>{t("list.title")}</h1>
        <div class="actions">
          <Button onClick={() => void load(undefined)}>{t("list.refresh")}</Button>
          {whyNoNew === undefined ? (
            <a class="button button-primary" href={hrefs.create}>
              {t("list.new")}
            </a>
          ) : (
            <Button kind="primary" disabledBecause={whyNoNew}>
              {t("list.new")}
            </Button>
          )}
        </div>
      </div>
      {whyNoNew === undefined ? null : <p class="quiet">{whyNoNew}</p>}
      <CheckField
        label={t("list.rehearsals")}
        checked={includeRehearsals}
        onChange={(checked) => setIncludeRehearsals(checked)}
      />
      {error === undefined ? null : <FailureNotice error={error} />}
      {listed === undefined ? (
        error === undefined ? (
          <p class="quiet">{t("app.loading")}</p>
        ) : null
      ) : listed.campaigns.length === 0 ? (
        <div class="card empty">
          <p>{t("list.empty")}</p>
          <p class="quiet">{t("list.emptyHint")}</p>
        </div>
      ) : (
        <CampaignTable campaigns={listed.campaigns} />
      )}
      {listed === undefined || listed.nextPageToken === "" ? null : (
        <Button onClick={() => void load(listed)}>{t("list.more")}</Button>
      )}
    </>
  );
}

function CampaignTable({ campaigns }: { readonly campaigns: readonly Campaign[] }) {
  const { t } = useWords();
  return (
    <Table
      caption={t("list.title")}
      rows={campaigns}
      keyOf={({ id }) => id}
      columns={[
        {
          title: t("list.name"),
          isHead: true,
          cell: ({ id, name, rehearsalOf }) => (
            <>
              <a href={hrefs.campaign(id)} class="campaign-name">
                {name}
              </a>
              {rehearsalOf === "" ? null : <span class="tag">{t("list.rehearsal")}</span>}
              <span class="id">{id}</span>
            </>
          ),
        },
        { title: t("list.state"), cell: ({ state }) => <StateBadge state={state} /> },
        { title: t("list.start"), cell: (campaign) => <StartCell campaign={campaign} /> },
        { title: t("list.issued"), isNumber: true, cell: (campaign) => <IssuedCell campaign={campaign} /> },
      ]}
    />
  );
}

const WAITING: readonly CampaignState[] = [CampaignState.GENERATING, CampaignState.SCHEDULED];

function StartCell({ campaign: { startsAt, state } }: { readonly campaign: Campaign }) {
  const { instant } = useWords();
  if (startsAt === undefined) return <>–</>;
  const startsAtMs = timestampMs(startsAt);
  return (
    <>
      <span class="instant">{instant(startsAtMs, viewerZone())}</span>
      {WAITING.includes(state) ? <Countdown epochMs={startsAtMs} /> : null}
    </>
  );
}

function IssuedCell({ campaign: { issued, total } }: { readonly campaign: Campaign }) {
  const { t } = useWords();
  const label = t("campaign.issuedOf", { issued, total });
  return (
    <>
      <span>{label}</span>
      <Progress label={label} value={issued} max={total} />
    </>
  );
}
