import { keyPairsIn } from "./key-pairs.ts";
import { SECRET_LISTS, SECRET_PAIRS, SECRET_SETTINGS, URL_SETTINGS } from "./secret-settings.ts";
import { decoded, hostsOfUrls, REDACTED, redactShapes, secretsOfUrls } from "./url-secrets.ts";

/** The text as it may leave the process. */
export type Redact = (text: string) => string;

/**
 * A secret shorter than DISTINCT_LENGTH, or of words or digits alone and shorter than DISTINCT_WORDS_LENGTH,
 * may also occur in unrelated texts ("server", "6379", "localhost"). See `isDistinct`.
 */
const DISTINCT_LENGTH = 8;
const DISTINCT_WORDS_LENGTH = 16;
/** The least length of a secret that is searched for: a single character never is. */
const SOUGHT_LENGTH = 2;

export type Secrets = {
  /** Texts that hold one URL or several, with commas between them. */
  readonly urls?: readonly (string | undefined)[];
  readonly secrets?: readonly (string | undefined)[];
};

/**
 * Each text that leaves a process (log lines, errors on standard error, stack traces, answers) passes a
 * redactor at the edge. It finds by shape the secrets in URLs and what a store repeats of a command, and by
 * value the secrets of the settings, in each form in which a driver or a parser may repeat them. A reader who
 * knows the text can infer a replaced word ("starting [redacted], scheduler"). So a secret is replaced
 * everywhere only if no text contains it by chance; any other secret only where it is quoted.
 */
export function createRedactor({ urls = [], secrets = [] }: Secrets): Redact {
  const hosts = urls.flatMap((url) => hostsOfUrls(url ?? "")).join(" ");
  const known = [
    ...urls.flatMap((url) => secretsOfUrls(url ?? "")),
    ...secrets.map((secret) => secret ?? ""),
  ];
  const pattern = [...new Set(known.flatMap(formsOf))]
    .filter((value) => value.length >= SOUGHT_LENGTH)
    .sort((a, b) => b.length - a.length)
    .map((value) =>
      isDistinct(value) && !hosts.includes(value)
        ? literally(value)
        : `(?<=["'\`])${literally(value)}(?=["'\`])`,
    )
    .join("|");
  if (pattern === "") return redactShapes;
  const knownValues = new RegExp(pattern, "gu");
  return (text) => redactShapes(text.replace(knownValues, REDACTED));
}

/** Whether the secret is too long and varied to occur in a text by chance. */
function isDistinct(secret: string): boolean {
  const isOfWords = /^(?:[\p{L}\s._:/-]*|[\d\s._:/-]*)$/u.test(secret);
  return secret.length >= (isOfWords ? DISTINCT_WORDS_LENGTH : DISTINCT_LENGTH);
}

/** Redacts the secrets of the settings in `env`; other variables are not read. */
export function redactorOf(env: Readonly<Record<string, unknown>>): Redact {
  const textOf = (name: string) => (typeof env[name] === "string" ? env[name] : undefined);
  const listed = SECRET_LISTS.flatMap((name) => textOf(name)?.split(/[\s,]+/) ?? []);
  // Such as `authorization=Bearer%20…`.
  const paired = SECRET_PAIRS.flatMap((name) => Object.values(keyPairsIn(textOf(name) ?? "") ?? {}));
  const words = paired.flatMap((value) => value.split(/\s+/));
  const secrets = [...SECRET_SETTINGS.map(textOf), ...listed, ...paired, ...words];
  return createRedactor({ urls: URL_SETTINGS.map(textOf), secrets });
}

/**
 * A copy of plain data with each text in it redacted. Names of fields are not: they come from the program
 * and hold no secret.
 */
export function redactTexts<T>(value: T, redact: Redact): T {
  return JSON.parse(JSON.stringify(value), (_, part: unknown) =>
    typeof part === "string" ? redact(part) : part,
  ) as T;
}

/** The same for a line of JSON, which stays as it is where nothing in it is secret. */
export function redactJsonLine(line: string, redact: Redact): string {
  let changed = false;
  const value: unknown = JSON.parse(line, (_, part: unknown) => {
    if (typeof part !== "string") return part;
    const safe = redact(part);
    if (safe !== part) changed = true;
    return safe;
  });
  return changed ? `${JSON.stringify(value)}\n` : line;
}

/** A secret as it was given, as parsers return it, and as JSON or an inspected object shows it. */
function formsOf(secret: string): string[] {
  const trimmed = secret.trim();
  const forms = [
    secret,
    trimmed,
    decoded(trimmed),
    ...encodedForms(decoded(trimmed)),
    ...encodedForms(trimmed),
  ];
  return forms.flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
}

function encodedForms(text: string): string[] {
  const url = new URL("redis://h");
  url.password = text;
  // `Buffer` replaces a lone surrogate, which has no encoding, by U+FFFD.
  return [url.password, encodeURIComponent(Buffer.from(text).toString())];
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
