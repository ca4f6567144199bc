/** Who asks for a coupon, as its credential proves it. */
export type Principal =
  /** `why`: what is wrong with the credential, or that there is none; without a part of it. */
  | { readonly kind: "none"; readonly why: string }
  /** The keys that the token must be verified with cannot be read at the moment. */
  | { readonly kind: "undecided"; readonly why: string }
  /** A backend, by the name of its server-to-server key. */
  | { readonly kind: "key"; readonly name: string }
  /** `campaignId`: the only campaign that the token is for, in upper case; undefined: any. */
  | { readonly kind: "token"; readonly userId: string; readonly campaignId: string | undefined };

/** The principal of an `authorization` header; without a promise unless a key set must be read first. */
export type Authenticate = (authorization: string | undefined) => Principal | Promise<Principal>;

export const noPrincipal = (why: string): Principal => ({ kind: "none", why });
