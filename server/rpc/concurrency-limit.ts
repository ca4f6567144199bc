import type { Clock } from "../../runtime/clock.ts";
import { toConnectError } from "./rpc-status.ts";

/** Limits how many calls of a kind run at once in a process. */
export type ConcurrencyLimit = {
  /**
   * Takes a place and returns the function that frees it; to free it twice is harmless.
   * @throws the refusal OVERLOADED where none is free
   */
  take(): () => void;
};

/** `what` follows the number in the refusal: "exports are under way". */
export function createConcurrencyLimit(most: number, what: string, clock: Clock): ConcurrencyLimit {
  let taken = 0;
  return {
    take() {
      if (taken >= most) {
        const why = `${most} ${what} on this server already; ask another one`;
        throw toConnectError({ reason: "OVERLOADED", why }, clock.now());
      }
      taken++;
      let isHeld = true;
      return () => {
        if (isHeld) taken--;
        isHeld = false;
      };
    },
  };
}
