/** A phase as artillery reads it: arrivals of virtual users a second. */
export type Phase = {
  readonly name: string;
  readonly duration: number;
  readonly arrivalRate: number;
  readonly rampTo?: number;
};

/** How long before the opening users begin to arrive. */
export const SECONDS_BEFORE = 5;
const SECONDS_INSTANT = 3;
const SECONDS_DECLINE = 4;
export const SECONDS_LEAST = SECONDS_BEFORE + SECONDS_INSTANT + SECONDS_DECLINE + 1;

/** Half of the users ask twice. */
const ASKS_A_USER = 1.5;

/**
 * A launch of `seconds` in all that comes to about `rate` requests a second from the instant to the decline.
 * The users that were too early (about `rate` of them) press again within the first three seconds: that makes
 * half of the requests then; new arrivals make the other half.
 */
export function launchPhases(rate: number, seconds: number): Phase[] {
  const rush = Math.max(1, Math.round(rate / ASKS_A_USER));
  const part = (share: number) => Math.max(1, Math.round(rate * share));
  return [
    { name: "before the instant", duration: SECONDS_BEFORE, arrivalRate: part(0.1), rampTo: part(0.3) },
    { name: "the instant", duration: SECONDS_INSTANT, arrivalRate: part(1 / 3) },
    {
      name: "the rush",
      duration: seconds - SECONDS_BEFORE - SECONDS_INSTANT - SECONDS_DECLINE,
      arrivalRate: rush,
    },
    { name: "decline", duration: SECONDS_DECLINE, arrivalRate: rush, rampTo: part(0.05) },
  ];
}

/** How many users the phases bring. */
export function usersIn(phases: readonly Phase[]): number {
  return phases.reduce(
    (sum, { duration, arrivalRate, rampTo = arrivalRate }) =>
      sum + Math.round((duration * (arrivalRate + rampTo)) / 2),
    0,
  );
}
