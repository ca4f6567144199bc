import { CONNECTION_ATTACKS } from "./connection-attacks.ts";

/** A crowd beside which sales are held, and what `--strict` asks of the service beside it. */
export type CrowdForm = {
  /** Begins the names of its figures in the last line. */
  readonly name: string;
  /** The kinds of requests and of attacks on connections that it makes; empty: all. */
  readonly only: readonly string[];
  /** Requests a second that it tries to send. */
  readonly ratePerSecond: number;
  /** Answers a second that the crowd has to get: one that gets fewer sent fewer. 0: not judged. */
  readonly answersPerSecondLeast: number;
};

/** Attacks that are no flood of claims with bad tokens: with `each`, a crowd makes one of them alone. */
export const SINGLE_ATTACKS: readonly string[] = [
  "look-ups",
  "operating",
  "unlimited",
  ...CONNECTION_ATTACKS,
];

/** Tokens that are forged, expired, of another user and missing, and valid ones without pause. */
export const NAMED_KINDS: readonly string[] = ["forged", "expired", "replayed", "invented", "unlimited"];
/** Of the rate that the crowd tries to send. */
const ANSWERED_SHARE = 0.95;
/**
 * With `strict`, of the rate: the attacks on connections cost their senders the most, and a crowd that makes
 * them beside requests at the whole rate measures how one machine divides itself between both sides.
 */
const WHOLE_SHARE = 0.25;

/**
 * With `strict` two crowds in turn: the requests that a script sends, at the whole rate, and all attacks with
 * requests at a quarter of it. With `each` a crowd for each other attack, alone. A crowd that the caller has
 * chosen has to reach the rate, too.
 */
export function crowdForms({
  strict,
  each,
  only,
  ratePerSecond,
}: {
  readonly strict: boolean;
  readonly each: boolean;
  readonly only: readonly string[];
  readonly ratePerSecond: number;
}): readonly CrowdForm[] {
  const answersPerSecondLeast = strict ? ANSWERED_SHARE * ratePerSecond : 0;
  if (only.length > 0) return [{ name: "chosen", only, ratePerSecond, answersPerSecondLeast }];
  if (each)
    return SINGLE_ATTACKS.map((name) => ({ name, only: [name], ratePerSecond, answersPerSecondLeast: 0 }));
  const all = { name: "whole", only: [], answersPerSecondLeast: 0 } as const;
  if (!strict) return [{ ...all, ratePerSecond }];
  return [
    { name: "named", only: NAMED_KINDS, ratePerSecond, answersPerSecondLeast },
    { ...all, ratePerSecond: WHOLE_SHARE * ratePerSecond },
  ];
}
