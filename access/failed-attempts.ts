import type { Clock } from "../runtime/clock.ts";
import { OPERATOR_KEY_LENGTH_MIN } from "../runtime/operator-settings.ts";
import { bearerOf } from "./bearer.ts";

/**
 * Slows down a source (an IPv4 address, or a /64) that keeps sending wrong credentials. In memory, for each
 * process.
 */
export type FailedAttempts = {
  /** How long this attempt must wait, in ms, without its credential being compared; 0: it is compared. */
  waitMs(source: string, authorization: string | undefined): number;
  /** Notes a wrong credential. Returns how long the next guess from this source must wait, in ms. */
  failed(source: string): number;
};

/** So many wrong credentials cost a source no wait: people mistype, a script may have an old one. */
const FREE = 19;
/** After so long one of them is forgotten. */
const FORGET_MS = 120_000;
const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 60_000;
/** The wait doubles with each more until it is the longest; none above that is counted. */
const COUNTED_MAX = FREE + 1 + Math.ceil(Math.log2(WAIT_MAX_MS / WAIT_MIN_MS));
/** Bounds the memory: a flood from more sources than this forgets the one that failed longest ago. */
const SOURCES_MAX = 10_000;

type Source = { readonly failures: number; readonly atMs: number; readonly untilMs: number };

/**
 * A caller shares its address with others: behind a company's NAT, or a proxy on this host, an attacker must
 * not lock the operator of a launch out. So while a source waits, a credential that can be guessed (shorter
 * than any key: only an OPERATOR_TOKEN can be) is not compared, and a longer one is: among 2^128 or more no
 * rate of guesses finds it, and the right one is always served.
 */
export function createFailedAttempts(clock: Pick<Clock, "elapsed">): FailedAttempts {
  const sources = new Map<string, Source>();

  const isGuessable = (authorization: string) =>
    (bearerOf(authorization)?.length ?? 0) < OPERATOR_KEY_LENGTH_MIN;
  const leftMs = (source: string) =>
    Math.max(0, (sources.get(source)?.untilMs ?? Number.NEGATIVE_INFINITY) - clock.elapsed());

  return {
    waitMs: (source, authorization) =>
      authorization !== undefined && isGuessable(authorization) ? leftMs(source) : 0,
    failed(source) {
      // What is answered while a source waits makes the wait no longer.
      const waitsMs = leftMs(source);
      if (waitsMs > 0) return waitsMs;
      const nowMs = clock.elapsed();
      const { failures: before, atMs } = sources.get(source) ?? { failures: 0, atMs: nowMs };
      const failures = Math.min(COUNTED_MAX, Math.max(0, before - (nowMs - atMs) / FORGET_MS) + 1);
      const beyond = Math.round(failures) - FREE;
      const waitMs = beyond <= 0 ? 0 : Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** (beyond - 1));
      // Set anew, the source is the last in the map's order.
      sources.delete(source);
      const [oldest] = sources.keys();
      if (sources.size >= SOURCES_MAX && oldest !== undefined) sources.delete(oldest);
      sources.set(source, { failures, atMs: nowMs, untilMs: nowMs + waitMs });
      return waitMs;
    },
  };
}
