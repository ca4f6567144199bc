import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Fragment } from "preact";
import { useRef, useState } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";
import { failureOf } from "../session/failure-words.ts";
import { repeated } from "../session/repeated.ts";
import { hrefs } from "../session/router.ts";
import { useApi } from "../session/session.tsx";
import { Countdown, useLeftMs } from "../time/countdown.tsx";
import { InstantEcho } from "../time/instant-echo.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Notice } from "../ui/notice.tsx";
import { useToast } from "../ui/toasts.tsx";
import { claimAuthKey } from "./claim-auth.ts";
import type { NewCampaign } from "./draft.ts";
import { DEFAULT_FORMAT, type FormatFacts } from "./format-field.tsx";
import { perUserText } from "./per-user.ts";

type SummaryProps = {
  readonly wanted: NewCampaign;
  readonly requestId: string;
  readonly facts: FormatFacts;
  readonly zone: string;
  onClose(): void;
  /** The service refused a value: the form shows it. */
  onRefused(error: unknown): void;
};

/** What will be created, before it is. */
export function SummaryDialog({ wanted, requestId, facts, zone, onClose, onRefused }: SummaryProps) {
  const { t } = useWords();
  const api = useApi();
  const say = useToast();
  const [isBusy, setBusy] = useState(false);
  const isSent = useRef(false);
  const [error, setError] = useState<unknown>();
  const startsAtMs = timestampMs(wanted.startsAt);
  const leftMs = useLeftMs(startsAtMs);

  async function createIt(): Promise<void> {
    // A second press before the page is drawn again.
    if (isSent.current) return;
    isSent.current = true;
    setBusy(true);
    setError(undefined);
    try {
      const { campaign, notices } = await repeated(() => api.createCampaign({ ...wanted, requestId }));
      say(t("create.done", { name: wanted.name }));
      for (const notice of notices) say(notice);
      location.hash = hrefs.campaign(campaign?.id ?? "");
    } catch (failed) {
      isSent.current = false;
      setBusy(false);
      if (failureOf(failed).field !== undefined) onRefused(failed);
      else setError(failed);
    }
  }

  return (
    <Dialog title={t("create.summary")} onClose={onClose} locked={isBusy}>
      <dl class="details">
        <dt>{t("create.name")}</dt>
        <dd>{wanted.name}</dd>
        <dt>{t("create.total")}</dt>
        <dd>{t("create.coupons", { count: wanted.total })}</dd>
        <dt>{t("create.start")}</dt>
        <dd>
          <InstantEcho epochMs={startsAtMs} zones={[zone]} />
          {leftMs === undefined || leftMs > 0 ? <Countdown epochMs={startsAtMs} /> : null}
        </dd>
        <dt>{t("create.end")}</dt>
        <dd>
          {wanted.endsAt === undefined ? (
            t("create.noEnd")
          ) : (
            <InstantEcho epochMs={timestampMs(wanted.endsAt)} zones={[zone]} />
          )}
        </dd>
        <dt>{t("create.perUser")}</dt>
        <dd>{perUserText(wanted, { t })}</dd>
        <dt>{t("create.format")}</dt>
        <dd>
          <span class="code" lang="ko">
            {wanted.codeFormat === "" ? DEFAULT_FORMAT : wanted.codeFormat}
          </span>
        </dd>
        <dt>{t("create.claimAuth")}</dt>
        <dd>{t(claimAuthKey(wanted.claimAuth))}</dd>
        {Object.entries(wanted.metadata).map(([key, value]) => (
          <Fragment key={key}>
            <dt class="id">{key}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
      {leftMs !== undefined && leftMs <= 0 ? <Notice kind="warning">{t("create.startPassed")}</Notice> : null}
      {facts.kind === "known" && !facts.facts.fits ? (
        <Notice kind="warning">{t("create.oddsNoFit")}</Notice>
      ) : null}
      {error === undefined ? null : <FailureNotice error={error} />}
      <div class="actions">
        <Button onClick={() => !isBusy && onClose()}>{t("app.back")}</Button>
        <Button kind="primary" busy={isBusy} onClick={() => void createIt()}>
          {t(isBusy ? "create.busy" : "create.submit")}
        </Button>
      </div>
    </Dialog>
  );
}
