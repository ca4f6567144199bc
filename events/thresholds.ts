/** A stock at which an event is sent: a number of coupons, or a share of the campaign's total. */
export type Threshold = {
  /** As it was given: `100` or `10%`. */
  readonly text: string;
  /** The remaining coupons at which a campaign with so many reaches it. */
  readonly remainingOf: (total: number) => number;
};

/** undefined: the text is neither. */
export function parseThreshold(text: string): Threshold | undefined {
  const match = /^(\d{1,9})(%?)$/.exec(text);
  if (match === null) return undefined;
  const value = Number(match[1]);
  if (match[2] === "") return { text, remainingOf: () => value };
  return value < 100 ? { text, remainingOf: (total) => Math.floor((total * value) / 100) } : undefined;
}
