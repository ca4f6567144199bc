import type { ConnectError } from "@connectrpc/connect";
import type { Refusal } from "../../campaign/refusal.ts";
import type { Valid } from "../../campaign/valid.ts";
import type { Clock } from "../../runtime/clock.ts";
import { toConnectError } from "./rpc-status.ts";

/** How a handler refuses a request. */
export type Refuse = {
  /** The error to throw, with the service's time in its detail. */
  refuse(refusal: Refusal): ConnectError;
  /** The value of what is valid. @throws the refusal of what is not */
  orRefuse<T>(valid: Valid<T>): T;
};

export function createRefuse(clock: Pick<Clock, "now">): Refuse {
  const refuse = (refusal: Refusal) => toConnectError(refusal, clock.now());
  return {
    refuse,
    orRefuse(valid) {
      if (!valid.ok) throw refuse(valid.refusal);
      return valid.value;
    },
  };
}
