import type { Claim } from "../pool/answers.ts";

/** An answer that a server may give without a store, because it is still true. */
export type KnownAnswer =
  /** The durable coupon of this key: an issuance never changes. */
  | { readonly kind: "replay"; readonly coupon: Claim }
  | { readonly kind: "sold" }
  /** At least so long to the start by the clock of Redis, to within the time that one question takes. */
  | {
      readonly kind: "early";
      readonly redisWaitMs: number;
      readonly startsAtMs: number;
      readonly endsAtMs?: number;
    };
