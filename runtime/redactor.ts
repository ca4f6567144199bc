import { decoded, REDACTED, redactUrls, secretsOfUrls } from "./url-secrets.ts";

/** The text as it may leave the process. */
export type Redact = (text: string) => string;

/** Settings that hold URLs, and settings that are secrets themselves: of the service, of the local stack, of `coupon`. */
const URL_SETTINGS = ["REDIS_URL", "MONGODB_URL", "COUPON_URL"] as const;
const SECRET_SETTINGS = ["OPERATOR_TOKEN", "COUPON_TOKEN"] as const;

/** A secret of so many characters is replaced wherever they stand; a shorter one only where it is a word, a single character never. */
const ANYWHERE_LENGTH = 4;
const WORD_LENGTH = 2;

export type Secrets = {
  /** Texts that hold one URL or several, with commas between them. */
  readonly urls?: readonly (string | undefined)[];
  readonly secrets?: readonly (string | undefined)[];
};

/**
 * What leaves a process (log lines, errors on standard error, stack traces, answers) goes through one of these at the edge. It knows the
 * secrets by value, in each form in which a driver or a parser may repeat them, and what is secret in any other URL by its shape.
 */
export function createRedactor({ urls = [], secrets = [] }: Secrets): Redact {
  const known = [
    ...urls.flatMap((url) => secretsOfUrls(url ?? "")),
    ...secrets.map((secret) => secret ?? ""),
  ];
  const values = [...new Set(known.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const pattern = values
    .filter((value) => value.length >= WORD_LENGTH)
    .map((value) =>
      value.length >= ANYWHERE_LENGTH
        ? literally(value)
        : `(?<![\\p{L}\\p{N}])${literally(value)}(?![\\p{L}\\p{N}])`,
    )
    .join("|");
  if (pattern === "") return redactUrls;
  const knownValues = new RegExp(pattern, "gu");
  return (text) => redactUrls(text.replace(knownValues, REDACTED));
}

/** Knows the secrets of the settings; others of the environment are not looked at. */
export function redactorOf(env: Readonly<Record<string, unknown>>): Redact {
  const textOf = (name: string) => (typeof env[name] === "string" ? env[name] : undefined);
  return createRedactor({ urls: URL_SETTINGS.map(textOf), secrets: SECRET_SETTINGS.map(textOf) });
}

/** Whether a setting's value may not be repeated where it is complained about. */
export function isSecretSetting(name: string): boolean {
  return [...URL_SETTINGS, ...SECRET_SETTINGS].some((secret) => secret === name);
}

/** What is made of plain data, with each text in it redacted. The names of its fields are the program's own words. */
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

/** A secret as it was given, as parsers hand it on, and as JSON or an inspected object shows it. */
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
  // A lone surrogate, which has no encoding, becomes what a replaced character is.
  return [url.password, encodeURIComponent(Buffer.from(text).toString())];
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
