import type { ComponentChildren } from "preact";
import { useWords } from "../i18n/language.tsx";
import { Field } from "../ui/field.tsx";
import { InstantEcho } from "./instant-echo.tsx";
import { type Fold, instantMeant, readWallTime, type TypedInstant } from "./wall-time.ts";

type InstantFieldProps = {
  readonly label: string;
  readonly zone: string;
  readonly value: TypedInstant;
  readonly error?: string | undefined;
  readonly children?: ComponentChildren;
  onChange(value: TypedInstant): void;
};

/** Date and time in a zone. Below it, the instant that this means on the clocks of the viewer and in UTC. */
export function InstantField({ label, zone, value, error, onChange, children }: InstantFieldProps) {
  const { t } = useWords();
  const wall = readWallTime(value.text, zone);
  const epochMs = instantMeant(wall, value.fold);
  return (
    <div class="instant-field">
      <Field
        label={label}
        error={error}
        hint={
          epochMs === undefined ? (
            t("instant.inZone", { zone })
          ) : (
            <InstantEcho {...{ epochMs, zones: [zone] }} />
          )
        }
      >
        {(ids) => (
          <input
            {...ids}
            type="datetime-local"
            step={1}
            value={value.text}
            onInput={({ currentTarget }) => onChange({ text: currentTarget.value, fold: undefined })}
          />
        )}
      </Field>
      {wall.kind === "twice" ? (
        <FoldChoice
          {...{ ...wall, zone, fold: value.fold }}
          onChange={(fold) => onChange({ ...value, fold })}
        />
      ) : null}
      {children}
    </div>
  );
}

type FoldChoiceProps = {
  readonly earlierMs: number;
  readonly laterMs: number;
  readonly zone: string;
  readonly fold: Fold | undefined;
  onChange(fold: Fold): void;
};

function FoldChoice({ earlierMs, laterMs, zone, fold, onChange }: FoldChoiceProps) {
  const { t, instant } = useWords();
  return (
    <fieldset class="fold">
      <legend>{t("instant.twice")}</legend>
      {(["earlier", "later"] as const).map((one) => (
        <label key={one}>
          <input type="radio" checked={fold === one} onChange={() => onChange(one)} />{" "}
          {instant(one === "earlier" ? earlierMs : laterMs, zone)}
        </label>
      ))}
    </fieldset>
  );
}
