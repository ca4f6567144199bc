import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useWords } from "../../i18n/language.tsx";
import type { Api } from "../../session/api.ts";
import { viewerZone } from "../../time/zones.ts";
import { Notice } from "../../ui/notice.tsx";
import { CouponAttempts } from "./coupon-attempts.tsx";
import { CouponRedemptions } from "./coupon-redemptions.tsx";
import type { Found, Held, LookUp } from "./look-up.ts";

type FoundProps = { readonly api: Api; readonly asked: LookUp; readonly found: Found };

/** The answer to a look-up: the coupon, or why there is none. */
export function FoundCoupon({ api, asked, found }: FoundProps) {
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
            <HeldCoupon key={held.coupon.code} {...{ api, held, campaignName }} />
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

type HeldProps = { readonly api: Api; readonly held: Held; readonly campaignName: string };

function HeldCoupon({ api, held, campaignName }: HeldProps) {
  const { t, instant, number } = useWords();
  const { coupon, userId, requestId } = held;
  const { issuedAt } = coupon;
  const facts: [string, string][] = [
    [t("lookUp.campaign"), campaignName],
    [t("lookUp.campaignId"), coupon.campaignId],
    [t("lookUp.number"), number(coupon.seq)],
    // Not known while claims before it are under way.
    ...(coupon.rank === 0 ? [] : [[t("coupon.rank"), number(coupon.rank)] satisfies [string, string]]),
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
      <div class="coupon-more">
        <CouponAttempts {...{ api, held }} />
        <CouponRedemptions code={coupon.code} />
      </div>
    </>
  );
}

function noneKey({ key, campaignId }: LookUp) {
  if (key !== "code") return key === "user" ? "lookUp.none.user" : "lookUp.none.request";
  return campaignId === "" ? "lookUp.none.code" : "lookUp.none.codeHere";
}
