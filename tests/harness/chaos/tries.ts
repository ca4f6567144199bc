/** What decides whether a try of a round says anything about the product. */
export type Try = {
  readonly ok: boolean;
  readonly judgement: { readonly violated: readonly string[] } | undefined;
  /** Hazards that did not happen. */
  readonly missed: readonly string[];
  /** Why it could not be carried through. */
  readonly broke: string | undefined;
  readonly stalledMs: number;
};

/** What a machine that is busy, frozen or stopped can violate by itself. */
const MATTERS_OF_TIME = new Set(["U9", "U11"]);

/**
 * How much longer the sale takes in each try: the fault gets more time to meet it where the machine is slow.
 */
const PACES = [1, 2, 4];

/**
 * The first try that says something about the product, or the last of three. A try whose hazard was missed,
 * or that violates nothing but a matter of time, is made again, slower; a violation of anything else is the
 * result at once.
 */
export async function untilTelling<T extends Try>(
  attempt: (pace: number) => Promise<T>,
  onAgain: (reason: string) => void,
): Promise<T & { readonly again: number }> {
  for (let again = 0; ; again += 1) {
    const tried = await attempt(PACES[again] ?? 1);
    const reason = saysNothing(tried);
    if (reason === undefined || again === PACES.length - 1) return { ...tried, again };
    onAgain(reason);
  }
}

/** Why the try says nothing about the product; undefined where it does. */
function saysNothing({ ok, judgement, missed, broke, stalledMs }: Try): string | undefined {
  if (ok) return undefined;
  const violated = judgement?.violated ?? [];
  if (violated.some((invariant) => !MATTERS_OF_TIME.has(invariant))) return undefined;
  if (missed.length > 0) return `the hazard was missed: ${missed.join(", ")}`;
  if (broke !== undefined || violated.length === 0) return undefined;
  return `${violated.join(", ")} alone; the harness stood still for up to ${(stalledMs / 1_000).toFixed(1)} s`;
}
