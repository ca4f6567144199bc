import type { Refusal } from "../campaign/refusal.ts";
import type { Valid } from "../campaign/valid.ts";
import { type Admitted, authorize, type ClaimAsk } from "./authorize.ts";
import type { DeploymentClaimAuth } from "./campaign-claim-auth.ts";
import type { ClaimAuthMode } from "./claim-auth-mode.ts";
import { type Authenticate, noPrincipal, type Principal } from "./principal.ts";

/** Admits claims and look-ups of coupons. */
export type ClaimAuth = DeploymentClaimAuth & {
  /** Without a promise unless a key set must be read first. */
  admit(
    mode: ClaimAuthMode,
    authorization: string | undefined,
    ask: ClaimAsk,
  ): Valid<Admitted> | Promise<Valid<Admitted>>;
};

const NOBODY = noPrincipal("");

/** `onRefused`: called with the reason where a demanded credential was refused. */
export function createClaimAuth(
  deployment: DeploymentClaimAuth,
  authenticate: Authenticate,
  onRefused: (reason: Refusal["reason"]) => void = () => undefined,
): ClaimAuth {
  function judge(demanded: ClaimAuthMode, principal: Principal, ask: ClaimAsk): Valid<Admitted> {
    const judged = authorize(demanded, principal, ask);
    if (!judged.ok) onRefused(judged.refusal.reason);
    return judged;
  }

  return {
    ...deployment,
    admit(demanded, authorization, ask) {
      // Where the caller states its user id, its credential is not looked at.
      if (demanded === "open") return authorize(demanded, NOBODY, ask);
      const principal = authenticate(authorization);
      return principal instanceof Promise
        ? principal.then((known) => judge(demanded, known, ask))
        : judge(demanded, principal, ask);
    },
  };
}
