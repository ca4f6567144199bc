import { useMemo, useState } from "preact/hooks";
import { type Campaign, ClaimAuth } from "../../../../proto/gen/coupon/v1/campaign_pb.ts";
import { useWords } from "../../i18n/language.tsx";
import type { Words } from "../../i18n/words.ts";
import { useStore } from "../../session/store.ts";
import { Button } from "../../ui/button.tsx";
import { FailureNotice } from "../../ui/failure-notice.tsx";
import { CheckField, Field, type FieldIds } from "../../ui/field.tsx";
import { createAskedCall } from "../call-state.ts";
import { useDenied } from "../denied.ts";
import type { ViewProps } from "../view.ts";
import { FoundCoupon } from "./found-coupon.tsx";
import { type Found, KEYS, type LookUp, type LookUpKey, lookUp } from "./look-up.ts";

type Asked = { readonly asked: LookUp; readonly found: Found };

/** Finds the coupon of a code, of a user, or of a request. */
export function LookUpView({ api, campaign, campaignId }: ViewProps) {
  const words = useWords();
  const { t } = words;
  const denied = useDenied("FindIssuance");
  const [key, setKey] = useState<LookUpKey>("code");
  const [given, setGiven] = useState("");
  const [user, setUser] = useState("");
  const [everywhere, setEverywhere] = useState(true);
  const [isEmpty, setEmpty] = useState(false);
  const call = useMemo(() => createAskedCall<Asked>(), []);
  const { busy, answer, error } = useStore(call.state);
  const because = denied.because ?? otherKey(key, campaign, words);
  // Asked for where tokens may have claimed: a request id is its user's own there.
  const takesUser = key === "request" && campaign.claimAuth > ClaimAuth.OPEN;
  const isUserNeeded = answer?.found.kind === "userNeeded" && answer.asked.key === key;
  const withUser = key === "request" && (takesUser || isUserNeeded || user !== "");

  function submit(event: Event): void {
    event.preventDefault();
    setEmpty(given.trim() === "");
    if (busy || because !== undefined || given.trim() === "") return;
    const asked: LookUp = {
      ...{ key, given, user: withUser ? user : "" },
      campaignId: key === "code" && everywhere ? "" : campaignId,
    };
    void call.ask(async () => {
      try {
        return { asked, found: await lookUp(api, asked) };
      } catch (failure) {
        denied.note(failure);
        throw failure;
      }
    });
  }

  return (
    <section class="card" aria-labelledby="look-up">
      <h2 id="look-up">{t("lookUp.title")}</h2>
      <form class="look-up" onSubmit={submit} noValidate>
        <fieldset class="choices">
          <legend>{t("lookUp.by")}</legend>
          {KEYS.map((one) => (
            <label key={one} class="choice">
              <input type="radio" name="look-up-key" checked={key === one} onChange={() => setKey(one)} />{" "}
              {t(`lookUp.by.${one}`)}
            </label>
          ))}
        </fieldset>
        <Field
          label={t(`lookUp.by.${key}`)}
          hint={t(`lookUp.hint.${key}`)}
          error={isEmpty ? t("lookUp.empty") : undefined}
        >
          {(ids) => <KeyInput {...{ ids, value: given, onChange: setGiven }} />}
        </Field>
        {withUser ? (
          <Field label={t("lookUp.by.user")} hint={t("lookUp.hint.userBeside")}>
            {(ids) => <KeyInput {...{ ids, value: user, onChange: setUser }} />}
          </Field>
        ) : null}
        {key === "code" ? (
          <CheckField label={t("lookUp.everywhere")} checked={everywhere} onChange={setEverywhere} />
        ) : null}
        <Button type="submit" kind="primary" busy={busy} disabledBecause={because}>
          {t("lookUp.find")}
        </Button>
        {because === undefined ? null : <p class="quiet">{because}</p>}
      </form>
      <div class="answer" aria-live="polite">
        {error !== undefined ? (
          <FailureNotice error={error} />
        ) : answer?.asked.key !== key ? null : (
          <FoundCoupon api={api} {...answer} />
        )}
      </div>
    </section>
  );
}

type KeyInputProps = {
  readonly ids: FieldIds;
  readonly value: string;
  readonly onChange: (value: string) => void;
};

/** A code or an id, of which the browser corrects nothing. */
function KeyInput({ ids, value, onChange }: KeyInputProps) {
  return (
    <input
      {...ids}
      type="text"
      autocomplete="off"
      spellcheck={false}
      value={value}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Why a look-up by this key finds nothing in this campaign; undefined: it may. */
function otherKey(key: LookUpKey, campaign: Campaign, { t }: Words): string | undefined {
  const { onePerUser, maxPerUser, claimAuth } = campaign;
  if (key === "user" && maxPerUser < 1 && !onePerUser && claimAuth <= ClaimAuth.OPEN)
    return t("lookUp.useRequest");
  return key === "request" && onePerUser ? t("lookUp.useUser") : undefined;
}
