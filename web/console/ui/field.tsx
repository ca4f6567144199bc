import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** The attributes that tie an input to its label, hint and error. */
export type FieldIds = {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": "true" | undefined;
};

type FieldProps = {
  readonly label: string;
  readonly hint?: ComponentChildren;
  /** What is wrong with the value; undefined: nothing. */
  readonly error?: string | undefined;
  /** Draws the input with these attributes. */
  readonly children: (ids: FieldIds) => ComponentChildren;
};

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [
    ...(hint === undefined ? [] : [`${id}-hint`]),
    ...(error === undefined ? [] : [`${id}-error`]),
  ];
  const ids: FieldIds = {
    id,
    "aria-describedby": described.length === 0 ? undefined : described.join(" "),
    "aria-invalid": error === undefined ? undefined : "true",
  };
  return (
    <div class={error === undefined ? "field" : "field field-wrong"}>
      <label for={id}>{label}</label>
      {children(ids)}
      {hint === undefined ? null : (
        <div class="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error === undefined ? null : (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

type CountProps = Omit<FieldProps, "children"> & {
  readonly value: string;
  onChange(value: string): void;
};

/** A number that is typed: it stays text until it is judged. */
export function CountField({ value, onChange, ...field }: CountProps) {
  return (
    <Field {...field}>
      {(ids) => (
        <input
          {...ids}
          type="text"
          inputmode="numeric"
          autocomplete="off"
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </Field>
  );
}

type CheckProps = {
  readonly label: string;
  readonly hint?: string;
  readonly checked: boolean;
  onChange(checked: boolean): void;
};

export function CheckField({ label, hint, checked, onChange }: CheckProps) {
  const id = useId();
  return (
    <div class="field field-check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint === undefined ? null : (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
