import type { Claim } from "../pool/answers.ts";

/** What a server may answer by itself, because it cannot have become wrong. */
export type KnownAnswer =
  /** The durable coupon of this key: an issuance never changes. */
  | { readonly kind: "replay"; readonly held: Claim }
  | { readonly kind: "sold" }
  /** At least so long to the start by the clock of Redis, to within the time that one question takes. */
  | { readonly kind: "early"; readonly redisWaitMs: number; readonly startsAtMs: number };
