import { STORE_AWAY } from "../campaign/refusal.ts";
import { type Valid, valid } from "../campaign/valid.ts";
import type { ClaimAuthMode } from "./claim-auth-mode.ts";
import type { Principal } from "./principal.ts";
import { provenUserId } from "./proven-user-id.ts";

/** What a request asks for. `userId`: as the request gives it; empty: not given. */
export type ClaimAsk = { readonly campaignId: string; readonly userId: string };

/**
 * `userId`: for whom; empty: not given. `isProven`: the caller is this user, and can only be that one.
 * `keyName`: of the server-to-server key; empty: none.
 */
export type Admitted = { readonly userId: string; readonly isProven: boolean; readonly keyName: string };

/** Whether the principal may ask for this, where `mode` is demanded, and for which user. */
export function authorize(mode: ClaimAuthMode, principal: Principal, ask: ClaimAsk): Valid<Admitted> {
  if (mode === "open") return valid({ userId: ask.userId, isProven: false, keyName: "" });
  switch (principal.kind) {
    case "none":
      return { ok: false, refusal: { reason: "UNAUTHENTICATED", why: principal.why } };
    case "undecided":
      return { ok: false, refusal: { ...STORE_AWAY, why: principal.why } };
    case "key": {
      if (mode === "token") return denied("a key cannot claim here: the token of a user is needed");
      const keyName = principal.name;
      if (ask.userId === "") return valid({ userId: "", isProven: false, keyName });
      const userId = provenUserId(ask.userId);
      return userId.ok ? valid({ userId: userId.value, isProven: false, keyName }) : userId;
    }
    case "token": {
      const { userId, campaignId } = principal;
      if (campaignId !== undefined && campaignId !== ask.campaignId.toUpperCase())
        return denied("the token is for another campaign");
      if (ask.userId !== "" && ask.userId.normalize("NFC") !== userId)
        return denied("user_id: must be empty, or the user that the token is for");
      return valid({ userId, isProven: true, keyName: "" });
    }
    default:
      return principal satisfies never;
  }
}

function denied(why: string): {
  readonly ok: false;
  readonly refusal: { reason: "PERMISSION_DENIED"; why: string };
} {
  return { ok: false, refusal: { reason: "PERMISSION_DENIED", why } };
}
