import { useState } from "preact/hooks";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { useWords } from "../i18n/language.tsx";
import { useWhyDenied } from "../session/denied.ts";
import { Button } from "../ui/button.tsx";
import { ACTIONS, type Action, disallowedBecause, METHODS } from "./action.ts";
import { ActionDialog } from "./action-dialog.tsx";

const KINDS: Readonly<Partial<Record<Action, "danger">>> = { end: "danger", cancel: "danger" };

/** A button for each action; what the state or the role does not allow is disabled and says why. */
export function ActionBar({ campaign }: { readonly campaign: Campaign }) {
  const { t } = useWords();
  const whyDenied = useWhyDenied();
  const [asked, setAsked] = useState<Action>();
  const [pressed, setPressed] = useState<Action>();

  function whyNot(action: Action): string | undefined {
    const why = disallowedBecause(action, campaign);
    return whyDenied(METHODS[action]) ?? (why === undefined ? undefined : t(why));
  }

  return (
    <fieldset class="actions bare">
      <legend class="visually-hidden">{t("action.all")}</legend>
      {ACTIONS.map((action) => (
        <Button
          key={action}
          kind={KINDS[action] ?? "plain"}
          disabledBecause={whyNot(action)}
          onDisabledPress={() => setPressed(action)}
          onClick={() => {
            setPressed(undefined);
            setAsked(action);
          }}
        >
          {t(`action.${action}`)}
        </Button>
      ))}
      <p class="quiet actions-why" role="status">
        {pressed === undefined ? "" : whyNot(pressed)}
      </p>
      {asked === undefined ? null : (
        <ActionDialog action={asked} campaign={campaign} onClose={() => setAsked(undefined)} />
      )}
    </fieldset>
  );
}
