import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useWords } from "../../i18n/language.tsx";
import { viewerZone } from "../../time/zones.ts";
import { Notice } from "../../ui/notice.tsx";
import type { Found, Held, LookUp } from "./look-up.ts";

type FoundProps = { readonly asked: LookUp; readonly found: Found };

/** The answer to a look-up: the coupon, or why there is none. */
export function FoundCoupon({ asked, found }: FoundProps) {
  const { t } = useWords();
  switch (found.kind) {
    case "none":
      return (
        <Notice kind="info">
          <p>{t(noneKey(asked), { given: asked.given })}</p>
          <p class="quiet">{t(asked.key === "code" ? "lookUp.noneHint.code" : "lookUp.noneHint.key")}</p>
        </Notice>
      );
    case "otherKey":
      return <Notice kind="info">{t(asked.key === "user" ? "lookUp.useRequest" : "lookUp.useUser")}</Notice>;
    case "userNeeded":
      return <Notice kind="info">{t("lookUp.userNeeded")}</Notice>;
    case "found": {
      const { issuances, hasMore, campaignName, spelling } = found;
      return (
        <>
          {issuances.map((held) => (
            <HeldCoupon key={held.coupon.code} held={held} campaignName={campaignName} />
          ))}
          {hasMore ? <Notice kind="info">{t("lookUp.hasMore")}</Notice> : null}
          {spelling === undefined ? null : (
            <Notice kind="info">{t("lookUp.otherSpelling", { spelling })}</Notice>
          )}
        </>
      );
    }
    default:
      return found satisfies never;
  }
}

function HeldCoupon({ held, campaignName }: { readonly held: Held; readonly campaignName: string }) {
  const { t, instant, number } = useWords();
  const { coupon, userId, requestId } = held;
  const { issuedAt } = coupon;
  const facts: [string, string][] = [
    [t("lookUp.campaign"), campaignName],
    [t("lookUp.campaignId"), coupon.campaignId],
    [t("lookUp.number"), number(coupon.seq)],
    [
      t("lookUp.issuedAt"),
      issuedAt === undefined ? t("lookUp.unknown") : instant(timestampMs(issuedAt), viewerZone()),
    ],
  ];
  if (userId !== "") facts.push([t("lookUp.user"), userId]);
  if (requestId !== "") facts.push([t("lookUp.request"), requestId]);
  return (
    <>
      <p class="found-code">{coupon.code}</p>
      <dl class="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function noneKey({ key, campaignId }: LookUp) {
  if (key !== "code") return key === "user" ? "lookUp.none.user" : "lookUp.none.request";
  return campaignId === "" ? "lookUp.none.code" : "lookUp.none.codeHere";
}
