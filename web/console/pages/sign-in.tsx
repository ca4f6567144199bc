import { useEffect, useRef, useState } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";
import { loadOperating } from "../session/load-operating.ts";
import type { OperatingPart } from "../session/operating-part.ts";
import { type SignedOut, useSession } from "../session/session.tsx";
import { useTitle } from "../session/use-title.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";

/** A failed sign-in. `incomplete`: the part of the page that would say why did not load. */
type Failure =
  | { readonly error: unknown; readonly FailureNotice: OperatingPart["FailureNotice"] }
  | "incomplete";

/** What a header can carry. */
const CREDENTIAL = /^[\x21-\x7e]+$/;

export function SignInPage({ why }: { readonly why: SignedOut["why"] }) {
  const { t } = useWords();
  useTitle(t("signIn.title"));
  const session = useSession();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  useEffect(() => input.current?.focus(), []);

  async function signIn(): Promise<void> {
    const credential = input.current?.value.trim() ?? "";
    setFailure(undefined);
    const wrong =
      credential === ""
        ? t("signIn.empty")
        : CREDENTIAL.test(credential)
          ? undefined
          : t("signIn.badCharacters");
    setProblem(wrong);
    if (wrong !== undefined) return input.current?.focus();
    setBusy(true);
    try {
      await session.signIn(credential);
    } catch (error) {
      setFailure(
        await loadOperating().then(
          ({ FailureNotice }) => ({ error, FailureNotice }),
          () => "incomplete",
        ),
      );
      setBusy(false);
      input.current?.focus();
    }
  }

  return (
    <main class="sign-in" id="content">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void signIn();
        }}
      >
        <h1>{t("signIn.title")}</h1>
        {why === "left" ? <Notice kind="info">{t("signIn.left")}</Notice> : null}
        {typeof why === "object" ? (
          <Notice kind="warning">
            <p>{t("signIn.refused")}</p>
            <p class="quiet" lang="en">
              {why.refused}
            </p>
          </Notice>
        ) : null}
        <Field label={t("signIn.credential")} hint={t("signIn.hint")} error={problem}>
          {(ids) => (
            <input
              {...ids}
              ref={input}
              type="password"
              autocomplete="off"
              spellcheck={false}
              autocapitalize="off"
            />
          )}
        </Field>
        {failure === undefined ? null : failure === "incomplete" ? (
          <Notice kind="alarm">{t("signIn.incomplete")}</Notice>
        ) : (
          <failure.FailureNotice error={failure.error} />
        )}
        <Button type="submit" kind="primary" busy={busy}>
          {t(busy ? "signIn.busy" : "signIn.submit")}
        </Button>
        <p class="quiet">{t("signIn.memory")}</p>
      </form>
    </main>
  );
}
