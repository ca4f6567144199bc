import { useState } from "preact/hooks";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { DifferenceList } from "../campaign/difference-list.tsx";
import { ActorField } from "../create/create-form.tsx";
import { ACTOR_MAX, textProblem } from "../create/text-rules.ts";
import { useWords } from "../i18n/language.tsx";
import { useSession } from "../session/session.tsx";
import { useStore } from "../session/store.ts";
import { actorStore } from "../session/typed-before.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { type Change, type Changed, isForGood } from "./action.ts";

type ConfirmationProps = {
  readonly change: Change;
  readonly campaign: Campaign;
  /** As it stood when the service judged the change. */
  readonly before: Campaign;
  /** What the service would do. */
  readonly judged: Changed;
  readonly isBusy: boolean;
  onConfirm(): void;
  onClose(): void;
};

/** What the change will do, by the service's own judgement; and the question whether to do it. */
export function Confirmation(props: ConfirmationProps) {
  const { change, campaign, before, judged, isBusy, onConfirm, onClose } = props;
  const words = useWords();
  const { t } = words;
  const { serverNowMs } = useSession();
  const actor = useStore(actorStore);
  const [typed, setTyped] = useState("");
  const { action } = change;
  if (judged.already)
    return (
      <>
        <Notice kind="info">{t("change.already")}</Notice>
        <div class="actions">
          <Button onClick={onClose}>{t("app.close")}</Button>
        </div>
      </>
    );
  const actorProblem = actor === "" ? undefined : textProblem(actor, ACTOR_MAX, words);
  const isTyped = action !== "cancel" || typed.trim().toUpperCase() === campaign.id;
  const disabledBecause = isTyped ? actorProblem : t("change.typeId");
  return (
    <form
      class="dialog-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (disabledBecause === undefined && !isBusy) onConfirm();
      }}
    >
      <p>{effectOf(change, campaign, t)}</p>
      {judged.campaign === undefined ? null : <DifferenceList before={before} after={judged.campaign} />}
      {judged.notices.map((notice) => (
        <Notice kind="info" key={notice}>
          <span lang="en">{notice}</span>
        </Notice>
      ))}
      {isForGood(change, campaign, serverNowMs() ?? Date.now()) ? (
        <Notice kind="warning">{t("change.forGood")}</Notice>
      ) : null}
      {action === "cancel" ? (
        <Field label={t("change.typeIdLabel", { id: campaign.id })}>
          {(ids) => (
            <input
              {...ids}
              type="text"
              class="id-input"
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          )}
        </Field>
      ) : null}
      <ActorField actor={actor} error={actorProblem} onChange={(name) => actorStore.set(name)} />
      <div class="actions">
        <Button onClick={() => !isBusy && onClose()}>{t("app.cancel")}</Button>
        <Button
          type="submit"
          kind={action === "end" || action === "cancel" ? "danger" : "primary"}
          busy={isBusy}
          disabledBecause={disabledBecause}
        >
          {t(`action.${action}`)}
        </Button>
      </div>
    </form>
  );
}

function effectOf(change: Change, campaign: Campaign, t: ReturnType<typeof useWords>["t"]): string {
  const { total, adding, issued } = campaign;
  const left = Math.max(0, total - issued);
  switch (change.action) {
    case "add":
      return t("effect.add", {
        count: change.count,
        before: total + adding,
        after: total + adding + change.count,
      });
    case "end":
      return t("effect.end", { left, total });
    case "cancel":
      return t("effect.cancel", { left, issued });
    default:
      return t(`effect.${change.action}`);
  }
}
