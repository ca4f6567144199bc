import { useMemo } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";
import { Field } from "../ui/field.tsx";
import { zoneNames } from "./zones.ts";

/** The zone in which instants are typed. */
export function ZoneField(props: { readonly zone: string; onChange(zone: string): void }) {
  const { t } = useWords();
  const names = useMemo(zoneNames, []);
  return (
    <Field label={t("instant.zone")}>
      {(ids) => (
        <select
          {...ids}
          value={props.zone}
          onChange={({ currentTarget }) => props.onChange(currentTarget.value)}
        >
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
