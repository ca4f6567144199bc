import type { Clock } from "../runtime/clock.ts";
import { refusalError } from "./refusal.ts";

/** So many of a kind at once in a process. */
export type Places = {
  /**
   * A place, until the signal aborts or it is given back; giving back twice is harmless.
   * @throws the refusal OVERLOADED where none is free
   */
  take(signal: AbortSignal): () => void;
};

/** `what`: what they are, after a number: "exports are under way". */
export function createPlaces(most: number, what: string, clock: Clock): Places {
  let taken = 0;
  return {
    take(signal) {
      if (taken >= most) {
        const why = `${most} ${what} on this server already; ask another one`;
        throw refusalError({ reason: "OVERLOADED", why }, clock.now());
      }
      taken++;
      let isHeld = true;
      const release = () => {
        if (!isHeld) return;
        isHeld = false;
        taken--;
        signal.removeEventListener("abort", release);
      };
      // A stream whose connection was cut may stand at its last message for ever: it is not asked for another one.
      if (signal.aborted) release();
      else signal.addEventListener("abort", release);
      return release;
    },
  };
}
