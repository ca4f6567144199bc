/** The scheme is case-insensitive, the credential is not (RFC 9110, section 11.1). */
const BEARER = /^bearer +([^\s,]+) *$/i;

/** The longest `authorization`: more than a credential needs, and little to look through. */
export const AUTHORIZATION_LENGTH_MAX = 4_096;

/** The credential of an `authorization` header; undefined: it is no single Bearer credential. */
export function bearerOf(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}
