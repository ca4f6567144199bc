import type { Words } from "../i18n/words.ts";

export const MAX_PER_USER_MAX = 100;
export const NAME_MAX = 200;
export const ACTOR_MAX = 100;
export const TOTAL_MAX = 5_000_000;
const FORMAT = { least: 4, most: 32, prefixMost: 16 } as const;
const FORMAT_SHAPE = /^(?:([가-힣0-9A-Za-z]+)-)?([가0A#]+)$/u;
const MARKS_ONLY = /^[가0Aa]+$/u;

const UNWANTED = /[\p{Cc}\p{Cs}\u2028\u2029\ufffd]/u;
const UNSEEN = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]*$/u;

type T = Pick<Words, "t">;

/** The service's rule for texts: visible characters, counted as code points, and no control characters. */
export function textProblem(value: string, max: number, { t }: T): string | undefined {
  if (value === "" || UNSEEN.test(value)) return t("text.empty");
  const length = [...value].length;
  if (length > max) return t("text.tooLong", { length, max });
  return UNWANTED.test(value) ? t("text.controls") : undefined;
}

/** A whole number, typed with or without grouping. undefined: it is none. */
export function wholeNumberOf(text: string): number | undefined {
  const digits = text.trim().replace(/[,\s_\u00a0]/g, "");
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}

export function countProblem(text: string, most: number, { t }: T): string | undefined {
  const count = wholeNumberOf(text);
  return count === undefined || count < 1 || count > most ? t("text.count", { most }) : undefined;
}

/** Empty: the service's default. A prefix of marks alone could be meant as a part of the pattern. */
export function formatProblem(pattern: string, { t }: T): string | undefined {
  const text = pattern.normalize("NFC");
  if (text === "") return undefined;
  const [, prefix = "", drawn = ""] = FORMAT_SHAPE.exec(text) ?? [];
  const isWrong =
    drawn.length < FORMAT.least ||
    prefix.length > FORMAT.prefixMost ||
    prefix.length + drawn.length > FORMAT.most ||
    MARKS_ONLY.test(prefix);
  return isWrong ? t("text.format") : undefined;
}
