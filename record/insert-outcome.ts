import type { IssuanceDoc } from "./documents.ts";

/** The outcome of one insert; `issuance` is the durable issuance to answer with. */
export type InsertOutcome =
  /** Durable now, or already before with the same code and key. */
  | { readonly kind: "durable"; readonly issuance: IssuanceDoc }
  /**
   * The claim key has another code already. `codeFree`: no key has an issuance of the code that was tried.
   */
  | { readonly kind: "key-taken"; readonly issuance: IssuanceDoc; readonly codeFree: boolean }
  /**
   * Another request of the user has the place: the pool that it came from was stale. `codeFree`: as above.
   */
  | { readonly kind: "place-taken"; readonly issuance: IssuanceDoc; readonly codeFree: boolean }
  /** Another claim key has an issuance of the code: the pool that it came from was stale. */
  | { readonly kind: "code-taken"; readonly issuance: IssuanceDoc }
  /** Its campaign, a rehearsal, was removed meanwhile, and the issuance is deleted. */
  | { readonly kind: "removed" };
