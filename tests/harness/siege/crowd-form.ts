/** A crowd beside which sales are held, and what `--strict` asks of the service beside it. */
export type CrowdForm = {
  /** Begins the names of its figures in the last line. */
  readonly name: "named" | "whole" | "chosen";
  /** The kinds of requests and of attacks on connections that it makes; empty: all. */
  readonly only: readonly string[];
  /** Answers a second that the crowd has to get: one that gets fewer sent fewer. 0: not judged. */
  readonly answersPerSecondLeast: number;
};

/** Tokens that are forged, expired, of another user and missing, and valid ones without pause. */
export const NAMED_KINDS: readonly string[] = ["forged", "expired", "replayed", "invented", "unlimited"];
/** Of the rate that the crowd tries to send. */
const RATE_SHARE = 0.95;

/**
 * With `strict` two crowds in turn: the requests that a script sends, at the whole rate, and all attacks at
 * whatever rate they leave to each other. A crowd that the caller has chosen has to reach the rate, too.
 */
export function crowdForms({
  strict,
  only,
  ratePerSecond,
}: {
  readonly strict: boolean;
  readonly only: readonly string[];
  readonly ratePerSecond: number;
}): readonly CrowdForm[] {
  const answersPerSecondLeast = strict ? RATE_SHARE * ratePerSecond : 0;
  if (only.length > 0) return [{ name: "chosen", only, answersPerSecondLeast }];
  const whole: CrowdForm = { name: "whole", only: [], answersPerSecondLeast: 0 };
  return strict ? [{ name: "named", only: NAMED_KINDS, answersPerSecondLeast }, whole] : [whole];
}
