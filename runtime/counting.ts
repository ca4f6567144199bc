/** Numbers in sentences: the one place that groups digits and chooses singular or plural. */

/** 1234567 → "1,234,567" */
export function grouped(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * counted(1, "coupon") → "1 coupon", counted(2000, "coupon") → "2,000 coupons", counted(2, "reply",
 * "replies") → "2 replies"
 */
export function counted(count: number | bigint, one: string, several = `${one}s`): string {
  return `${grouped(count)} ${Number(count) === 1 ? one : several}`;
}

/** "is" of one, "are" of several: isOrAre(1) → "is" */
export function isOrAre(count: number | bigint): "is" | "are" {
  return Number(count) === 1 ? "is" : "are";
}

/** The limit that a number exceeds, such as "at most 5,000,000"; undefined: none. */
export function limitBroken(value: number, least: number, most: number): string | undefined {
  if (value > most) return `at most ${grouped(most)}`;
  return value < least ? `at least ${grouped(least)}` : undefined;
}
