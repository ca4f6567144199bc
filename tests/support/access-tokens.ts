import { constants, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { claimsOf, keyPair, type TokenMaker, tokenOf } from "./claim-credentials.ts";

/** What an access token of a test is for. */
export const API = "https://coupons.test";
export const HOUR_S = 3_600;

export type AccessTokenMaker = (claims?: object, header?: object) => string;

/** Signs access tokens of this issuer for kim, an operator. */
export function accessTokens(maker: Pick<TokenMaker, "sign">, issuer: string): AccessTokenMaker {
  return (claims = {}, header = {}) =>
    maker.sign(claimsOf("kim", { iss: issuer, aud: API, roles: ["operator"], ...claims }), {
      typ: "at+jwt",
      ...header,
    });
}

/** A key of RSA that signs with PS256, which Node's key objects call by other options than RS256. */
export function ps256Pair(kid: string): Pick<TokenMaker, "sign"> & { readonly jwk: object } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return {
    sign: (claims, header = {}) =>
      tokenOf({ alg: "PS256", kid, ...header }, claims, (input) =>
        sign("sha256", Buffer.from(input), { key: privateKey, ...padding }).toString("base64url"),
      ),
    jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "PS256" },
  };
}

/** Tokens that a stranger, or a person without rights, may send: each with what the answer must say. */
export function forgedTokens(issuer: string, kid: string, publicPem: string, good: AccessTokenMaker) {
  const unsigned = (alg: string, signature = "") =>
    tokenOf(
      { alg, kid, typ: "at+jwt" },
      claimsOf("kim", { iss: issuer, aud: API, roles: ["admin"] }),
      () => signature,
    );
  const own = keyPair("ES256", kid);
  const byOwn = accessTokens(own, issuer);
  const byHmac = {
    sign: (claims: object, header: object = {}) =>
      tokenOf({ alg: "HS256", kid, ...header }, claims, (input) =>
        createHmac("sha256", publicPem).update(input).digest("base64url"),
      ),
  };
  return {
    "signed with another key": [byOwn(), /signature/],
    "of another payload": [
      good().replace(/\.[^.]+\./, `.${byOwn({ roles: ["admin"] }).split(".")[1]}.`),
      /signature/,
    ],
    "alg none": [unsigned("none"), /must be signed with/],
    "alg None with a signature": [unsigned("None", "AAAA"), /must be signed with/],
    "HS256 with the public key as its secret": [accessTokens(byHmac, issuer)(), /must be signed with/],
    "a key in its own head": [byOwn({}, { kid: undefined, jwk: own.jwk }), /signature/],
    "a place of keys in its own head": [
      byOwn({}, { kid: "theirs", jku: "https://evil.test/jwks" }),
      /not among/,
    ],
    "another type": [good({}, { typ: "logout+jwt" }), /no access token/],
    "a critical extension": [good({}, { crit: ["x"], x: 1 }), /no access token/],
    "no token": ["a.b.c", /no access token/],
    "three times nothing": ["..", /no access token/],
  } satisfies Record<string, readonly [token: string, says: RegExp]>;
}
