import { setTimeout as sleep } from "node:timers/promises";
import { Trouble } from "../trouble.ts";
import type { Ground } from "./ground.ts";

/**
 * Answers of the service since its start by outcome: `issued`, `replayed`, or the reason of a refusal in
 * small letters.
 */
export type Outcomes = Readonly<Record<string, number>>;

const POLL_MS = 50;

/** The service's own counts, once they no longer change. wrk reports only that an answer was not 200. */
export async function outcomesOf({ service }: Ground, signal: AbortSignal): Promise<Outcomes> {
  let last: string | undefined;
  for (;;) {
    const response = await fetch(new URL("/metrics", service.baseUrl), { signal });
    if (response.status !== 200) throw new Trouble(`/metrics answered ${response.status}`);
    const outcomes = readOutcomes(await response.text());
    if (JSON.stringify(outcomes) === last) return outcomes;
    last = JSON.stringify(outcomes);
    await sleep(POLL_MS, undefined, { signal });
  }
}

export function readOutcomes(page: string): Outcomes {
  const counts = page.matchAll(/^coupon_claims_total\{outcome="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries(Array.from(counts, ([, outcome, count]) => [outcome, Number(count)]));
}

/**
 * The requests under way at the end of a load are answered, but the load does not read the answers: at most
 * one for each connection.
 * @throws Trouble unless the service gave as many answers as were read, all of them of one outcome
 */
export function checkOutcome(
  before: Outcomes,
  after: Outcomes,
  wanted: { readonly outcome: string; readonly answers: number; readonly connections: number },
): void {
  const { outcome, answers, connections } = wanted;
  const grown = Object.entries(after)
    .map(([name, count]) => ({ name, more: count - (before[name] ?? 0) }))
    .filter(({ more }) => more !== 0);
  const more = grown.find(({ name }) => name === outcome)?.more ?? 0;
  if (grown.every(({ name }) => name === outcome) && more >= answers && more <= answers + connections) return;
  const told = grown.map(({ name, more: count }) => `${count} times ${name}`).join(", ");
  throw new Trouble(`${answers} answers should all be ${outcome}, but the service gave ${told || "none"}`);
}
