import type { Words } from "../i18n/words.ts";
import { durationParts } from "./stats/sale-bars.ts";

/** Milliseconds as a latency: 1.2 ms, 340 ms. */
export function msText(value: number, { t, number }: Pick<Words, "t" | "number">): string {
  return t("unit.ms", { value: number(value, value < 10 ? 1 : 0) });
}

/** 950 ms, 1.5 s, 1 min 30 s: at most two units. */
export function durationText(ms: number, { t, number }: Pick<Words, "t" | "number">): string {
  return durationParts(ms)
    .map(({ value, unit }) => t(`unit.${unit}`, { value: number(value) }))
    .join(" ");
}
