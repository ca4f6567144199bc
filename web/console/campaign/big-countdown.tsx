import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { useWords } from "../i18n/language.tsx";
import { Countdown, useLeftMs } from "../time/countdown.tsx";
import { viewerZone } from "../time/zones.ts";
import { momentOf } from "./moment.ts";

/** What the campaign waits for, and how long; or since when it is open. */
export function BigCountdown({ campaign }: { readonly campaign: Campaign }) {
  const { t, instant } = useWords();
  const moment = momentOf(campaign);
  const leftMs = useLeftMs(moment.epochMs);
  const zone = viewerZone();
  if (moment.kind === "since")
    return (
      <div class="moment">
        <p class="moment-title">{t(moment.epochMs === undefined ? "moment.neverOpened" : "moment.since")}</p>
        {moment.epochMs === undefined ? null : <p class="instant">{instant(moment.epochMs, zone)}</p>}
      </div>
    );
  const isDue = leftMs !== undefined && leftMs <= 0;
  return (
    <div class="moment">
      <p class="moment-title">{t(`moment.${moment.kind}`)}</p>
      <p class="moment-left">{isDue ? t("moment.due") : <Countdown epochMs={moment.epochMs} />}</p>
      <p class="quiet instant">{instant(moment.epochMs, zone)}</p>
    </div>
  );
}
