import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { RefusalReason } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { useWords } from "../i18n/language.tsx";
import { failureOf } from "../session/failure-words.ts";
import { repeated } from "../session/repeated.ts";
import { newRequestId } from "../session/request-id.ts";
import { useApi, useSession } from "../session/session.tsx";
import { actorStore } from "../session/typed-before.ts";
import { Dialog } from "../ui/dialog.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { useToast } from "../ui/toasts.tsx";
import { type Action, type Change, type Changed, deniedWith, sendChange } from "./action.ts";
import { ActionForm } from "./action-form.tsx";
import { Confirmation } from "./confirmation.tsx";

type ActionDialogProps = { readonly action: Action; readonly campaign: Campaign; onClose(): void };

/** A change, what the service would do, and its outcome. */
type Step =
  | { readonly step: "form"; readonly refused?: { readonly field: string; readonly detail: string } }
  | { readonly step: "judging" }
  | {
      readonly step: "confirm";
      readonly change: Change;
      /** The campaign as it stood when the service judged the change. */
      readonly before: Campaign;
      readonly judged: Changed;
      readonly requestId: string;
    };

const millisOf = (at: Timestamp | undefined): number | null => (at === undefined ? null : timestampMs(at));

const FORM_FIELDS = ["count", "name", "starts_at", "ends_at"];

/** All of a campaign that a change is judged by, or may alter. */
function settingsOf(campaign: Campaign): string {
  const { state, name, total, adding, startsAt, endsAt } = campaign;
  return JSON.stringify([state, name, total, adding, millisOf(startsAt), millisOf(endsAt)]);
}

/** Asks what an action needs, asks the service what it would do, shows that, and does it when confirmed. */
export function ActionDialog({ action, campaign, onClose }: ActionDialogProps) {
  const { t } = useWords();
  const api = useApi();
  const { denied } = useSession();
  const say = useToast();
  const isForm = action === "add" || action === "reschedule" || action === "edit";
  const [step, setStep] = useState<Step>(isForm ? { step: "form" } : { step: "judging" });
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const isSent = useRef(false);
  /** The settings that the service has judged a change by, or is judging it by. */
  const judgedBy = useRef("");
  const campaignId = campaign.id;

  function fail(failed: unknown): void {
    const { field, detail, reason } = failureOf(failed);
    if (reason === RefusalReason.PERMISSION_DENIED)
      denied.set(new Set([...denied.get(), ...deniedWith(action)]));
    if (isForm && field !== undefined && FORM_FIELDS.includes(field))
      setStep({ step: "form", refused: { field, detail } });
    else setError(failed);
  }

  async function judge(change: Change, requestId = newRequestId()): Promise<void> {
    setError(undefined);
    const before = campaign;
    judgedBy.current = settingsOf(before);
    try {
      const common = { campaignId, actor: "", requestId: "", dryRun: true };
      const judged = await sendChange(api, change, common);
      setStep({ step: "confirm", change, before, judged, requestId });
    } catch (failed) {
      fail(failed);
    }
  }

  async function make(change: Change, requestId: string): Promise<void> {
    if (isSent.current) return;
    isSent.current = true;
    setBusy(true);
    setError(undefined);
    try {
      const common = { campaignId, actor: actorStore.get(), requestId, dryRun: false };
      const { notices } = await repeated(() => sendChange(api, change, common));
      say(t(`done.${action}`, { name: campaign.name }));
      for (const notice of notices) say(notice);
      onClose();
    } catch (failed) {
      fail(failed);
    } finally {
      isSent.current = false;
      setBusy(false);
    }
  }

  useEffect(() => {
    if (action === "pause" || action === "resume" || action === "end" || action === "cancel")
      void judge({ action });
  }, []);

  // Another operator has changed the campaign meanwhile, or its start has passed.
  useEffect(() => {
    if (step.step !== "confirm" || isSent.current || judgedBy.current === settingsOf(campaign)) return;
    void judge(step.change, step.requestId);
  }, [campaign, step]);

  return (
    <Dialog title={t(`ask.${action}`, { name: campaign.name })} onClose={onClose} locked={isBusy}>
      {step.step === "form" ? (
        <ActionForm
          {...{ action: isForm ? action : "edit", campaign, refused: step.refused }}
          onChange={(change) => void judge(change)}
          onCancel={onClose}
        />
      ) : null}
      {step.step === "judging" && error === undefined ? <p class="quiet">{t("change.judging")}</p> : null}
      {step.step === "confirm" ? (
        <Confirmation
          {...{ change: step.change, campaign, before: step.before, judged: step.judged, isBusy }}
          onConfirm={() => void make(step.change, step.requestId)}
          onClose={onClose}
        />
      ) : null}
      {error === undefined ? null : <FailureNotice error={error} />}
    </Dialog>
  );
}
