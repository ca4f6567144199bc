import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { TokenAlgorithm } from "../../access/token-verifier.ts";

/** Tokens made by hand, so that a wrong one can be made too; the service's own library checks them. */
export type TokenMaker = {
  readonly algorithm: TokenAlgorithm;
  readonly kid: string | undefined;
  sign(claims: object, header?: object): string;
};

export const AUDIENCE = "coupons";

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The text of a token, with the signature that `signed` makes of what it has to cover. */
export function tokenOf(header: object, claims: object, signed: (input: string) => string): string {
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${signed(input)}`;
}

export const hmacOf = (secret: string) => (input: string) =>
  createHmac("sha256", secret).update(input).digest("base64url");

export function secretMaker(secret: string): TokenMaker {
  return {
    algorithm: "HS256",
    kid: undefined,
    sign: (claims, header = {}) => tokenOf({ alg: "HS256", typ: "JWT", ...header }, claims, hmacOf(secret)),
  };
}

export type KeyPair = TokenMaker & { readonly publicPem: string; readonly jwk: object };

const made = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2_048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

export function keyPair(algorithm: keyof typeof made, kid: string): KeyPair {
  const { publicKey, privateKey } = made[algorithm]();
  return {
    algorithm,
    kid,
    sign: (claims, header = {}) =>
      tokenOf({ alg: algorithm, typ: "JWT", kid, ...header }, claims, (input) =>
        signature(algorithm, privateKey, input),
      ),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig" },
  };
}

function signature(algorithm: keyof typeof made, key: KeyObject, input: string): string {
  const digest = algorithm === "EdDSA" ? null : "sha256";
  return sign(digest, Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
}

const HOUR_S = 3_600;

/** The claims of a good token, for a user. */
export function claimsOf(sub: string, more: object = {}): object {
  return { sub, aud: AUDIENCE, iss: "shop", exp: Math.floor(Date.now() / 1_000) + HOUR_S, ...more };
}

export type MadeKey = { readonly key: string; readonly setting: { name: string; sha256: string } };

export function serverKey(name: string): MadeKey {
  const key = randomBytes(32).toString("base64url");
  return { key, setting: { name, sha256: createHash("sha256").update(key).digest("hex") } };
}
