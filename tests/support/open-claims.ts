import { createClaimAuth } from "../../access/claim-auth.ts";
import { noPrincipal } from "../../access/principal.ts";

/** Claims of callers that state their user id, as on a trusted network. */
export const OPEN_CLAIM_AUTH = createClaimAuth(
  { mode: "open", acceptsKeys: false, acceptsTokens: false },
  () => noPrincipal(""),
);
