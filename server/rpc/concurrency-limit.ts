import type { Clock } from "../../runtime/clock.ts";
import { toConnectError } from "./rpc-status.ts";

/** So many of a kind at once in a process. */
export type ConcurrencyLimit = {
  /**
   * A place, until it is given back; giving back twice is harmless.
   * @throws the refusal OVERLOADED where none is free
   */
  take(): () => void;
};

/** `what`: what they are, after a number: "exports are under way". */
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
