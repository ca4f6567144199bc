/**
 * The server's clock from its answers, as NTP does it (RFC 5905, sections 8 and 10): an answer's instant was
 * that of the middle of the round trip, wrong by at most half of it, and of the last answers the one with the
 * least error counts. A sample's error grows with its age, as two clocks drift apart.
 */
export type ServerClock = {
  /** `sentMs` and `receivedMs` on the device's monotonic clock; `serverMs` since the Unix epoch. */
  add(sentMs: number, receivedMs: number, serverMs: number): void;
  /** A message of a stream, which says only that the server's clock had reached `serverMs` before it came. */
  atLeast(receivedMs: number, serverMs: number): void;
  /** Undefined: there is no sample. */
  at(elapsedMs: number): { readonly serverMs: number; readonly uncertaintyMs: number } | undefined;
  /** Forgets all samples: the monotonic clock stood still, as in a device that slept. */
  reset(): void;
};

type Sample = { readonly atMs: number; readonly offsetMs: number; readonly errorMs: number };

const SAMPLES_MAX = 8;
/** Quartz is good to 100 parts in a million. */
const DRIFT = 100e-6;
/** The server's clock comes in whole milliseconds. */
const GRAIN_MS = 1;
/** How long a message of a stream may have been on its way where nothing better is known. */
const STREAM_DELAY_MS = 50;

export function createServerClock(): ServerClock {
  let samples: Sample[] = [];

  function at(elapsedMs: number) {
    let best: { readonly serverMs: number; readonly uncertaintyMs: number } | undefined;
    for (const { atMs, offsetMs, errorMs } of samples) {
      const uncertaintyMs = errorMs + Math.abs(elapsedMs - atMs) * DRIFT;
      if (best === undefined || uncertaintyMs <= best.uncertaintyMs)
        best = { serverMs: elapsedMs + offsetMs, uncertaintyMs };
    }
    return best;
  }

  return {
    add(sentMs, receivedMs, serverMs) {
      const atMs = (sentMs + receivedMs) / 2;
      const offsetMs = serverMs - atMs;
      const errorMs = (receivedMs - sentMs) / 2 + GRAIN_MS;
      const known = at(atMs);
      // Both cannot be right: the server's clock was set, or the answer is another server's.
      const wasSet =
        known !== undefined && Math.abs(atMs + offsetMs - known.serverMs) > errorMs + known.uncertaintyMs;
      if (wasSet) samples = [];
      samples = [...samples, { atMs, offsetMs, errorMs }].slice(-SAMPLES_MAX);
    },
    atLeast(receivedMs, serverMs) {
      const known = at(receivedMs);
      // Within its error the samples know better: the message may have been on its way for any time.
      if (known !== undefined && serverMs - known.serverMs <= Math.max(STREAM_DELAY_MS, known.uncertaintyMs))
        return;
      samples = [{ atMs: receivedMs, offsetMs: serverMs - receivedMs, errorMs: STREAM_DELAY_MS }];
    },
    at,
    reset() {
      samples = [];
    },
  };
}
