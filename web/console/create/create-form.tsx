import { useWords } from "../i18n/language.tsx";
import { useSession } from "../session/session.tsx";
import { InstantField } from "../time/instant-field.tsx";
import { ZoneField } from "../time/zone-field.tsx";
import { wallTextAt } from "../time/zones.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, CountField, Field } from "../ui/field.tsx";
import { CLAIM_AUTHS, claimAuthOf } from "./claim-auth.ts";
import { type Draft, type DraftProblems, hasStartPassed } from "./draft.ts";
import { type FormatFacts, FormatField } from "./format-field.tsx";

/** A start this far ahead leaves time for the codes to be made. */
const SOON_MS = 600_000;

type CreateFormProps = {
  readonly draft: Draft;
  /** The problems that are shown. */
  readonly problems: DraftProblems;
  readonly facts: FormatFacts;
  onChange(change: Partial<Draft>): void;
};

/** The fields of a new campaign. */
export function CreateForm({ draft, problems, facts, onChange }: CreateFormProps) {
  const { t } = useWords();
  const { serverNowMs } = useSession();
  const { zone } = draft;
  const startSoon = () => {
    const atMs = (serverNowMs() ?? Date.now()) + SOON_MS;
    onChange({ start: { text: wallTextAt(Math.ceil(atMs / 60_000) * 60_000, zone), fold: undefined } });
  };
  return (
    <>
      <Field label={t("create.name")} error={problems.name}>
        {(ids) => (
          <input
            {...ids}
            type="text"
            autocomplete="off"
            value={draft.name}
            onInput={({ currentTarget }) => onChange({ name: currentTarget.value })}
          />
        )}
      </Field>
      <CountField
        {...{ label: t("create.total"), error: problems.total, value: draft.total }}
        onChange={(total) => onChange({ total })}
      />
      <ZoneField zone={zone} onChange={(chosen) => onChange({ zone: chosen })} />
      <InstantField
        label={t("create.start")}
        {...{ zone, value: draft.start, error: problems.starts_at }}
        onChange={(start) => onChange({ start })}
      >
        {hasStartPassed(draft, serverNowMs() ?? Date.now()) ? (
          <p class="field-hint" role="status">
            {t("create.startPassed")}
          </p>
        ) : null}
        <Button onClick={startSoon}>{t("create.startSoon")}</Button>
      </InstantField>
      <CheckField
        label={t("create.hasEnd")}
        checked={draft.hasEnd}
        onChange={(hasEnd) => onChange({ hasEnd })}
      />
      {draft.hasEnd ? (
        <InstantField
          label={t("create.end")}
          {...{ zone, value: draft.end, error: problems.ends_at }}
          onChange={(end) => onChange({ end })}
        />
      ) : null}
      <CheckField
        label={t("create.countUsers")}
        hint={t("create.countUsersHint")}
        checked={draft.isPerUser}
        onChange={(isPerUser) => onChange({ isPerUser })}
      />
      {draft.isPerUser ? (
        <CountField
          {...{ label: t("create.maxPerUser"), hint: t("create.maxPerUserHint") }}
          {...{ error: problems.max_per_user, value: draft.maxPerUser }}
          onChange={(maxPerUser) => onChange({ maxPerUser })}
        />
      ) : null}
      <FormatField
        {...{ value: draft.codeFormat, error: problems.code_format, facts }}
        onChange={(codeFormat) => onChange({ codeFormat })}
      />
      <Field label={t("create.claimAuth")} hint={t("create.claimAuthHint")} error={problems.claim_auth}>
        {(ids) => (
          <select
            {...ids}
            value={String(draft.claimAuth)}
            onChange={({ currentTarget }) => onChange({ claimAuth: claimAuthOf(currentTarget.value) })}
          >
            {CLAIM_AUTHS.map(([claimAuth, key]) => (
              <option key={claimAuth} value={String(claimAuth)}>
                {t(key)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={t("create.metadata")} hint={t("create.metadataHint")} error={problems.metadata}>
        {(ids) => (
          <textarea
            {...ids}
            rows={3}
            autocomplete="off"
            spellcheck={false}
            value={draft.metadata}
            onInput={({ currentTarget }) => onChange({ metadata: currentTarget.value })}
          />
        )}
      </Field>
      <ActorField actor={draft.actor} error={problems.actor} onChange={(actor) => onChange({ actor })} />
    </>
  );
}

type ActorFieldProps = {
  readonly actor: string;
  readonly error: string | undefined;
  onChange(actor: string): void;
};

/** The name for the history. */
export function ActorField({ actor, error, onChange }: ActorFieldProps) {
  const { t } = useWords();
  return (
    <Field label={t("create.actor")} hint={t("create.actorHint")} error={error}>
      {(ids) => (
        <input
          {...ids}
          type="text"
          autocomplete="name"
          value={actor}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </Field>
  );
}
