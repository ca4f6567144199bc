/** The facts that decide whether a try of a round is evidence about the product. */
export type Try = {
  readonly ok: boolean;
  readonly judgement: { readonly violated: readonly string[] } | undefined;
  /** Hazards that did not happen. */
  readonly missed: readonly string[];
  /** Why the try could not be carried out. */
  readonly broke: string | undefined;
  readonly stalledMs: number;
};

/** Invariants that a busy, frozen or stopped machine can violate by itself. */
const MATTERS_OF_TIME = new Set(["U9", "U11"]);

/** A port that was free a moment ago, or while its process was killed, may serve a connection by now. */
const PORT_TAKEN = /is taken by another process|is already in use/;

/**
 * By how much each try lengthens the sale: on a slow machine the fault then has more time to happen during
 * it.
 */
const PACES = [1, 2, 4];

/**
 * Returns the first try that is evidence about the product, or the last of three. A try whose hazard was
 * missed, that violates only invariants about time, or that did not get its ports is repeated with a longer
 * sale; a violation of any other invariant, or of the expected one, is the result at once.
 */
export async function untilTelling<T extends Try>(
  attempt: (pace: number) => Promise<T>,
  onAgain: (reason: string) => void,
  expected?: string,
): Promise<T & { readonly again: number }> {
  for (let again = 0; ; again += 1) {
    const tried = await attempt(PACES[again] ?? 1);
    const reason = saysNothing(tried, expected);
    if (reason === undefined || again === PACES.length - 1) return { ...tried, again };
    onAgain(reason);
  }
}

/** Why the try is no evidence about the product; undefined: it is. */
function saysNothing(
  { ok, judgement, missed, broke, stalledMs }: Try,
  expected: string | undefined,
): string | undefined {
  if (ok) return undefined;
  const violated = judgement?.violated ?? [];
  if (violated.some((invariant) => invariant === expected || !MATTERS_OF_TIME.has(invariant)))
    return undefined;
  if (missed.length > 0) return `the hazard was missed: ${missed.join(", ")}`;
  if (broke !== undefined && PORT_TAKEN.test(broke)) return "another process took a port";
  if (broke !== undefined || violated.length === 0) return undefined;
  return `${violated.join(", ")} alone; the harness stood still for up to ${(stalledMs / 1_000).toFixed(1)} s`;
}
