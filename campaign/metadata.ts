import { counted } from "../runtime/counting.ts";
import { invalid, text, type Valid, valid } from "./valid.ts";

/**
 * The metadata of a campaign as it is stored: `key=value` texts, in the order of their keys. No key has an
 * equals sign, so a text is one entry, and one index finds campaigns by it.
 */
export type Metadata = readonly string[];

/** The entries that a change adds or replaces, and the keys that it removes. */
export type MetadataChange = { readonly set: Metadata; readonly remove: readonly string[] };

const ENTRIES_MAX = 20;
const VALUE_MAX = 500;
const KEY = /^[a-z0-9][a-z0-9_.-]{0,39}$/;
const KEY_RULE = "a key has 1 to 40 characters of a-z, 0-9, _ . and -, the first a letter or digit";

export function validMetadata(field: string, given: Readonly<Record<string, string>>): Valid<Metadata> {
  const entries = Object.entries(given);
  if (entries.length > ENTRIES_MAX)
    return invalid(field, `has ${counted(entries.length, "entry", "entries")}: at most ${ENTRIES_MAX}`);
  for (const [key, value] of entries) {
    if (!KEY.test(key)) return invalid(field, `has a key that is none: ${KEY_RULE}`);
    const told = text(`${field}.${key}`, value, VALUE_MAX);
    if (!told.ok) return told;
  }
  return valid(storedMetadata(given));
}

export function validMetadataChange(
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
): Valid<MetadataChange | undefined> {
  const entries = validMetadata("set_metadata", set);
  if (!entries.ok) return entries;
  if (remove.length > ENTRIES_MAX)
    return invalid("remove_metadata", `has ${counted(remove.length, "key")}: at most ${ENTRIES_MAX}`);
  if (!remove.every((key) => KEY.test(key)))
    return invalid("remove_metadata", `has a key that is none: ${KEY_RULE}`);
  const both = remove.find((key) => Object.hasOwn(set, key));
  if (both !== undefined) return invalid("remove_metadata", `has ${both}, which set_metadata has too`);
  const removed = [...new Set(remove)].sort();
  return valid(
    entries.value.length === 0 && removed.length === 0 ? undefined : { set: entries.value, remove: removed },
  );
}

/** The metadata after a change; a refusal where it has too many entries then. */
export function changedMetadata(
  standing: Metadata,
  { set, remove }: MetadataChange,
): Valid<{ readonly metadata: Metadata; readonly differs: boolean }> {
  const entries = new Map(standing.map((entry) => [keyOf(entry), entry]));
  for (const key of remove) entries.delete(key);
  for (const entry of set) entries.set(keyOf(entry), entry);
  if (entries.size > ENTRIES_MAX)
    return invalid(
      "set_metadata",
      `would leave the campaign ${counted(entries.size, "entry", "entries")}: at most ${ENTRIES_MAX}`,
    );
  const metadata = [...entries.values()].sort(byKey);
  return valid({ metadata, differs: !isSameMetadata(metadata, standing) });
}

export function isSameMetadata(one: Metadata, other: Metadata): boolean {
  return one.length === other.length && one.every((entry, i) => entry === other[i]);
}

export function storedMetadata(given: Readonly<Record<string, string>>): Metadata {
  return Object.entries(given)
    .map(([key, value]) => `${key}=${value}`)
    .sort(byKey);
}

/** As callers see it. */
export function viewMetadata(metadata: Metadata = []): Record<string, string> {
  return Object.fromEntries(metadata.map((entry) => [keyOf(entry), entry.slice(keyOf(entry).length + 1)]));
}

function keyOf(entry: string): string {
  return entry.slice(0, entry.indexOf("="));
}

function byKey(one: string, other: string): number {
  return keyOf(one) < keyOf(other) ? -1 : 1;
}
