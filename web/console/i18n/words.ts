import { en } from "./en.ts";
import type { Entry, SameKeys } from "./entry.ts";
import { ko } from "./ko.ts";

export type Key = keyof typeof en;

export const LANGUAGES = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof LANGUAGES;

type Placeholders<T> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;
type TextOf<E> = E extends { readonly one: infer One; readonly other: infer Other } ? One | Other : E;
type ArgNames<K extends Key> = Placeholders<TextOf<(typeof en)[K]>>;
/** The arguments of a text of a dictionary. */
export type ArgsOf<E> = [Placeholders<TextOf<E>>] extends [never]
  ? []
  : [Readonly<Record<Placeholders<TextOf<E>>, string | number>>];
export type Args<K extends Key> = ArgsOf<(typeof en)[K]>;

/** The keys of texts without placeholders. */
export type PlainKey = { [K in Key]: [ArgNames<K>] extends [never] ? K : never }[Key];

/** All that depends on the language of the page. */
export type Words = {
  readonly language: Language;
  /** The text. Of its arguments a number is as the language writes it, and a text turns nothing around it. */
  t<K extends Key>(key: K, ...args: Args<K>): string;
  /** A text of a part of the page that is loaded later, with its arguments. */
  filled(entry: Entry, args?: Readonly<Record<string, string | number>>): string;
  number(value: number, decimalsMax?: number): string;
  /** 0.5 → "50%". Rounded down, so that 100 % is shown only where nothing is missing. */
  percent(share: number): string;
  /** Date and time to the second in the zone, with the zone's offset. */
  instant(epochMs: number, zone: string): string;
  /** Time of day to the second in the zone. */
  clock(epochMs: number, zone: string): string;
};

/** Characters that turn the order of what follows; none of them is visible. */
const TURNING = /\p{Bidi_Control}/gu;
/** Hebrew, Arabic and their neighbours, which are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A name inside a sentence: it turns nothing of the sentence, whatever it is written in. */
function isolated(text: string): string {
  const still = text.replace(TURNING, "");
  return RIGHT_TO_LEFT.test(still) ? `\u2068${still}\u2069` : still;
}

const DICTIONARIES: Readonly<Record<Language, SameKeys<typeof en>>> = { en, ko };
const TAGS: Readonly<Record<Language, string>> = { en: "en-GB", ko: "ko-KR" };

/** The first of the browser's languages that there is a dictionary for. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "en" || base === "ko") return base;
  }
  return "en";
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

export function createWords(language: Language): Words {
  const dictionary = DICTIONARIES[language];
  const tag = TAGS[language];
  // Each is made when it is first used: that takes a phone tens of milliseconds.
  const plural = once(() => new Intl.PluralRules(tag));
  const numbers = new Map<number, Intl.NumberFormat>();
  const percents = once(() => new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 }));
  const instants = new Map<string, Intl.DateTimeFormat>();

  function number(value: number, decimalsMax = 2): string {
    const known = numbers.get(decimalsMax);
    const format = known ?? new Intl.NumberFormat(tag, { maximumFractionDigits: decimalsMax });
    if (known === undefined) numbers.set(decimalsMax, format);
    return format.format(value);
  }

  function formatOf(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const known = instants.get(key);
    if (known !== undefined) return known;
    const format = new Intl.DateTimeFormat(tag, { hourCycle: "h23", ...options });
    instants.set(key, format);
    return format;
  }

  const date = (epochMs: number, timeZone: string): string =>
    formatOf(`date ${timeZone}`, {
      timeZone,
      ...{ year: "numeric", month: "short", day: "numeric", weekday: "short" },
    }).format(epochMs);
  const clock = (epochMs: number, timeZone: string): string =>
    formatOf(`clock ${timeZone}`, {
      timeZone,
      ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
    }).format(epochMs);
  // "GMT+9", whatever the language; UTC needs none.
  const offset = (epochMs: number, timeZone: string): string =>
    timeZone === "UTC"
      ? ""
      : (formatOf(`offset ${timeZone}`, { timeZone, timeZoneName: "shortOffset" })
          .formatToParts(epochMs)
          .find(({ type }) => type === "timeZoneName")?.value ?? "");

  function filled(entry: Entry, args: Readonly<Record<string, string | number>> = {}): string {
    const text =
      typeof entry === "string"
        ? entry
        : entry[plural().select(Number(args["count"])) === "one" ? "one" : "other"];
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = args[name];
      return value === undefined ? whole : typeof value === "number" ? number(value) : isolated(value);
    });
  }

  return {
    language,
    number,
    filled,
    t: (key, ...[args]) => filled(dictionary[key], args),
    percent: (share) => percents().format(Math.floor(share * 1_000) / 1_000),
    instant: (epochMs, timeZone) =>
      [date(epochMs, timeZone), clock(epochMs, timeZone), offset(epochMs, timeZone)].join(" ").trimEnd(),
    clock,
  };
}
