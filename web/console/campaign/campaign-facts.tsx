import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Fragment } from "preact";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { claimAuthKey } from "../create/claim-auth.ts";
import { perUserText } from "../create/per-user.ts";
import { useWords } from "../i18n/language.tsx";
import { hrefs } from "../session/router.ts";
import { zoneStore } from "../session/typed-before.ts";
import { InstantEcho } from "../time/instant-echo.tsx";

/** The settings of a campaign. */
export function CampaignFacts({ campaign }: { readonly campaign: Campaign }) {
  const { t, number } = useWords();
  const { startsAt, endsAt, openedAt, createdAt, rehearsalOf, metadata } = campaign;
  const typedIn = zoneStore.get();
  const zones = typedIn === undefined ? [] : [typedIn];
  const echo = (at: Campaign["startsAt"]) =>
    at === undefined ? t("fact.none") : <InstantEcho epochMs={timestampMs(at)} zones={zones} />;
  return (
    <dl class="details">
      <dt>{t("fact.start")}</dt>
      <dd>{echo(startsAt)}</dd>
      <dt>{t("fact.end")}</dt>
      <dd>{echo(endsAt)}</dd>
      {openedAt === undefined ? null : (
        <>
          <dt>{t("fact.opened")}</dt>
          <dd>{echo(openedAt)}</dd>
        </>
      )}
      <dt>{t("create.perUser")}</dt>
      <dd>{perUserText(campaign, { t })}</dd>
      <dt>{t("create.format")}</dt>
      <dd lang="ko" class="code">
        {campaign.codeFormat}
      </dd>
      <dt>{t("create.claimAuth")}</dt>
      <dd>{t(claimAuthKey(campaign.claimAuth))}</dd>
      {Object.entries(metadata)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, value]) => (
          <Fragment key={key}>
            <dt class="id">{key}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      {campaign.forgetUsersAfterDays === 0 ? null : (
        <>
          <dt>{t("fact.usersErased")}</dt>
          <dd>{t("fact.daysAfterOver", { count: campaign.forgetUsersAfterDays })}</dd>
        </>
      )}
      {campaign.seriesId === "" ? null : (
        <>
          <dt>{t("fact.series")}</dt>
          <dd>{campaign.seriesId}</dd>
        </>
      )}
      <dt>{t("fact.created")}</dt>
      <dd>{echo(createdAt)}</dd>
      <dt>{t("fact.revision")}</dt>
      <dd>
        {t("fact.revisionOf", { revision: campaign.revision, generation: number(campaign.generation) })}
      </dd>
      {rehearsalOf === "" ? null : (
        <>
          <dt>{t("fact.rehearsalOf")}</dt>
          <dd>
            <a href={hrefs.campaign(rehearsalOf)}>{rehearsalOf}</a>
          </dd>
        </>
      )}
      <dt>{t("fact.id")}</dt>
      <dd class="id">{campaign.id}</dd>
    </dl>
  );
}
