import { useEffect, useState } from "preact/hooks";
import type { CodeFormatFacts } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { useWords } from "../i18n/language.tsx";
import { failureText } from "../session/failure-words.ts";
import { useApi } from "../session/session.tsx";
import { Field } from "../ui/field.tsx";

/** The service's default, also the first suggestion. */
export const DEFAULT_FORMAT = "가가가가가가0000";
const SUGGESTIONS = [
  DEFAULT_FORMAT,
  "가가가가가가000#",
  "가가가가0000",
  "가가가00000",
  "########",
  "SUMMER-AAAA0000",
];
/** The service is asked once nothing was typed for this long. */
const DEBOUNCE_MS = 350;

export type FormatFacts =
  | { readonly kind: "none" }
  | { readonly kind: "asking" }
  | { readonly kind: "known"; readonly facts: CodeFormatFacts }
  | { readonly kind: "failed"; readonly error: unknown };

/** The odds of a format for so many coupons, asked for as it is typed. undefined: it is not a format yet. */
export function useFormatFacts(pattern: string | undefined, total: number | undefined): FormatFacts {
  const api = useApi();
  const [known, setKnown] = useState<FormatFacts>({ kind: "none" });
  useEffect(() => {
    if (pattern === undefined || total === undefined) return setKnown({ kind: "none" });
    setKnown({ kind: "asking" });
    const asking = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const request = { codeFormats: [pattern === "" ? DEFAULT_FORMAT : pattern], total };
        const { formats } = await api.describeFormats(request, { signal: asking.signal });
        const facts = formats[0];
        if (!asking.signal.aborted && facts !== undefined) setKnown({ kind: "known", facts });
      } catch (error) {
        if (!asking.signal.aborted) setKnown({ kind: "failed", error });
      }
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [api, pattern, total]);
  return known;
}

type FormatFieldProps = {
  readonly value: string;
  readonly error: string | undefined;
  readonly facts: FormatFacts;
  onChange(value: string): void;
};

export function FormatField({ value, error, facts, onChange }: FormatFieldProps) {
  const { t } = useWords();
  return (
    <div class="format-field">
      <Field
        label={t("create.format")}
        error={error}
        hint={t("create.formatHint", { format: DEFAULT_FORMAT })}
      >
        {(ids) => (
          <input
            {...ids}
            type="text"
            class="code"
            lang="ko"
            list="code-formats"
            autocomplete="off"
            spellcheck={false}
            placeholder={DEFAULT_FORMAT}
            value={value}
            onInput={({ currentTarget }) => onChange(currentTarget.value)}
          />
        )}
      </Field>
      <datalist id="code-formats">
        {SUGGESTIONS.map((pattern) => (
          <option key={pattern} value={pattern} />
        ))}
      </datalist>
      <div aria-live="polite">
        <FormatOdds facts={facts} />
      </div>
    </div>
  );
}

/** The odds in words: examples, how many codes there are, how hard one is to guess. */
export function FormatOdds({ facts: known }: { readonly facts: FormatFacts }) {
  const words = useWords();
  const { t, number } = words;
  if (known.kind === "failed") return <p class="quiet small">{failureText(known.error, words)}</p>;
  if (known.kind !== "known")
    return known.kind === "none" ? null : <p class="quiet small">{t("create.oddsAsking")}</p>;
  const { facts } = known;
  if (!facts.fits)
    return (
      <p class="field-error">
        {t("create.oddsNoFit")} <span lang="en">{facts.whyNot}</span>
      </p>
    );
  const oneIn = facts.guessOdds === 0 ? 0 : 1 / facts.guessOdds;
  return (
    <dl class="details small">
      <dt>{t("create.oddsExamples")}</dt>
      <dd lang="ko" class="code">
        {facts.examples.join(" · ")}
      </dd>
      <dt>{t("create.oddsCodes")}</dt>
      <dd>
        {t("create.oddsCodesOf", { codes: number(Number(facts.codes)), bits: number(facts.entropyBits, 1) })}
      </dd>
      <dt>{t("create.oddsGuess")}</dt>
      <dd>{t("create.oddsOneIn", { many: number(oneIn, 0) })}</dd>
      <dt>{t("create.oddsCheck")}</dt>
      <dd>{t(facts.hasCheckCharacter ? "create.oddsChecked" : "create.oddsUnchecked")}</dd>
    </dl>
  );
}
