import type { JSONWebKeySet } from "jose";
import { z } from "zod";
import { isSafeUrl } from "../../runtime/safe-url.ts";
import { fetchText } from "../fetch-text.ts";
import { JWKS_TYPES } from "../jwks-source.ts";

/** How long the provider may take for both documents together, in ms. */
const DEADLINE_MS = 3_000;
const KEYS_MAX = 100;

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string() });
const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(KEYS_MAX) });

/**
 * Reads the public keys of an issuer: from its discovery document the place of the keys, and there the keys.
 * Both each time, since a provider may move its keys. Source: OpenID Connect Discovery 1.0, section 4.
 */
export function issuerReader(issuer: string, deadlineMs = DEADLINE_MS): () => Promise<JSONWebKeySet> {
  const place = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  return async () => {
    const signal = AbortSignal.timeout(deadlineMs);
    const told = discovery.safeParse(
      JSON.parse(await fetchText(place, { accept: "application/json", signal })),
    );
    if (!told.success) throw new Error(`${place} is no discovery document: it needs issuer and jwks_uri`);
    // Else one tenant of a provider could speak for another.
    if (told.data.issuer !== issuer)
      throw new Error(`the issuer in ${place} must be OPERATOR_OIDC_ISSUER, letter by letter`);
    const uri = told.data.jwks_uri;
    if (!isSafeUrl(uri)) throw new Error(`the jwks_uri in ${place} must be an https:// URL`);
    const keys = jwks.safeParse(JSON.parse(await fetchText(uri, { accept: JWKS_TYPES, signal })));
    if (!keys.success) throw new Error(`${uri} is no JWKS: an object with keys, ${KEYS_MAX} at most`);
    return keys.data as JSONWebKeySet;
  };
}
