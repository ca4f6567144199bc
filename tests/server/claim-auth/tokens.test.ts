import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { createIssuances } from "../../../record/issuances.ts";
import {
  AUDIENCE,
  claimsOf,
  hmacOf,
  keyPair,
  secretMaker,
  serverKey,
  tokenOf,
} from "../../support/claim-credentials.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { openSale, type Sale } from "../../support/open-sale.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { withStores } from "../../support/with-stores.ts";
import { type ClaimServer, claimServer } from "./claim-server.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const OLD_SECRET = "the-secret-before-it-0123456789-abcdefgh";
const shop = secretMaker(SECRET);
const rsa = keyPair("RS256", "rsa-1");
const pairs = [rsa, keyPair("ES256", "ec-1"), keyPair("EdDSA", "ed-1")];
const key = serverKey("shop");
const user = "alice";
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const nowS = () => Math.floor(Date.now() / 1_000);
const without = (claim: string) => ({ ...claimsOf(user), [claim]: undefined });
const bearer = (token: string) => [`Bearer ${token}`];
const good = () => shop.sign(claimsOf(user));
const [head = "", payload = "", signature = ""] = good().split(".");

/** Each is refused on every transport. `fields`: what the request says beside the campaign. */
type Attack = {
  readonly what: string;
  readonly authorization: () => readonly string[];
  readonly fields?: { userId?: string };
  readonly code?: Code;
};

const ATTACKS: readonly Attack[] = [
  { what: "no credential", authorization: () => [] },
  { what: "an empty credential", authorization: () => [""] },
  { what: "another scheme", authorization: () => [`Basic ${Buffer.from("alice:x").toString("base64")}`] },
  { what: "garbage", authorization: () => bearer("garbage") },
  { what: "garbage in the shape of a token", authorization: () => bearer("e30.e30.e30") },
  { what: "a token without a signature", authorization: () => bearer(`${head}.${payload}.`) },
  { what: "a token with half a signature", authorization: () => bearer(good().slice(0, -20)) },
  {
    what: "a good signature in another spelling",
    authorization: () => {
      // The last of 43 characters carries four bits of the signature; two more bits must be 0.
      const token = good();
      return bearer(`${token.slice(0, -1)}${BASE64URL[BASE64URL.indexOf(token.slice(-1)) + 1]}`);
    },
  },
  {
    what: "a signature with characters that no signature has",
    authorization: () => bearer(`${good().slice(0, -2)}\u00c3\u00a9`),
  },
  {
    what: "other claims under a good signature",
    authorization: () =>
      bearer(`${head}.${Buffer.from(JSON.stringify(claimsOf("bob"))).toString("base64url")}.${signature}`),
  },
  { what: "another secret", authorization: () => bearer(secretMaker(`${SECRET}x`).sign(claimsOf(user))) },
  {
    what: "algorithm none",
    authorization: () => bearer(tokenOf({ alg: "none", typ: "JWT" }, claimsOf(user), () => "")),
  },
  {
    what: "algorithm nOnE, with a signature",
    authorization: () => bearer(tokenOf({ alg: "nOnE" }, claimsOf(user), hmacOf(SECRET))),
  },
  {
    what: "algorithm confusion: the RSA key, in PEM, as the secret of HS256",
    authorization: () =>
      bearer(tokenOf({ alg: "HS256", kid: "rsa-1" }, claimsOf(user), hmacOf(rsa.publicPem))),
  },
  {
    what: "algorithm confusion: the RSA key, as it is in the JWKS, as the secret of HS256",
    authorization: () =>
      bearer(tokenOf({ alg: "HS256", kid: "rsa-1" }, claimsOf(user), hmacOf(JSON.stringify(rsa.jwk)))),
  },
  {
    what: "algorithm confusion: HS256 by the shop's secret, called RS256",
    authorization: () => bearer(tokenOf({ alg: "RS256", kid: "rsa-1" }, claimsOf(user), hmacOf(SECRET))),
  },
  {
    what: "the key of another algorithm",
    authorization: () => bearer(rsa.sign(claimsOf(user), { kid: "ec-1" })),
  },
  {
    what: "a key id that is not known",
    authorization: () => bearer(rsa.sign(claimsOf(user), { kid: "rsa-2" })),
  },
  {
    what: "another key under a known id",
    authorization: () => bearer(keyPair("RS256", "rsa-1").sign(claimsOf(user))),
  },
  {
    what: "a key that the token itself brings",
    authorization: () => {
      const own = keyPair("RS256", "rsa-9");
      return bearer(own.sign(claimsOf(user), { jwk: own.jwk, jku: "http://127.0.0.1:1/jwks" }));
    },
  },
  {
    what: "an extension that must be understood (crit)",
    authorization: () => bearer(shop.sign(claimsOf(user), { crit: ["b64"], b64: false })),
  },
  { what: "another audience", authorization: () => bearer(shop.sign(claimsOf(user, { aud: "other" }))) },
  { what: "no audience", authorization: () => bearer(shop.sign(without("aud"))) },
  { what: "another issuer", authorization: () => bearer(shop.sign(claimsOf(user, { iss: "other" }))) },
  { what: "no issuer", authorization: () => bearer(shop.sign(claimsOf(user, { iss: undefined }))) },
  { what: "an expired token", authorization: () => bearer(shop.sign(claimsOf(user, { exp: nowS() - 60 }))) },
  {
    what: "a token that is not valid yet",
    authorization: () => bearer(shop.sign(claimsOf(user, { nbf: nowS() + 60 }))),
  },
  { what: "no exp", authorization: () => bearer(shop.sign(without("exp"))) },
  {
    what: "an exp that is no number",
    authorization: () => bearer(shop.sign(claimsOf(user, { exp: "9999999999" }))),
  },
  { what: "no sub", authorization: () => bearer(shop.sign(without("sub"))) },
  { what: "an empty sub", authorization: () => bearer(shop.sign(claimsOf(""))) },
  { what: "a sub that is no text", authorization: () => bearer(shop.sign(claimsOf(user, { sub: 7 }))) },
  { what: "a sub that ends with a blank", authorization: () => bearer(shop.sign(claimsOf("alice "))) },
  { what: "a sub that begins with one", authorization: () => bearer(shop.sign(claimsOf("\u00a0alice"))) },
  { what: "a sub with an empty letter", authorization: () => bearer(shop.sign(claimsOf("ali\u2800ce"))) },
  {
    what: "a sub with a zero-width character",
    authorization: () => bearer(shop.sign(claimsOf("ali\u200bce"))),
  },
  { what: "a sub with a separator", authorization: () => bearer(shop.sign(claimsOf("alice\u001fx"))) },
  {
    what: "a campaign_id that is none",
    authorization: () => bearer(shop.sign(claimsOf(user, { campaign_id: 1 }))),
  },
  {
    what: "the token of another campaign",
    authorization: () => bearer(shop.sign(claimsOf(user, { campaign_id: "01JZ0000000000000000000000" }))),
    code: Code.PermissionDenied,
  },
  {
    what: "the token of another user",
    authorization: () => bearer(good()),
    fields: { userId: "bob" },
    code: Code.PermissionDenied,
  },
  { what: "a server-to-server key", authorization: () => bearer(key.key), code: Code.PermissionDenied },
  { what: "10 kB", authorization: () => bearer(shop.sign(claimsOf(user, { pad: "x".repeat(7_500) }))) },
  { what: "a good token after another", authorization: () => ["Bearer x", ...bearer(good())] },
  { what: "another after a good token", authorization: () => [...bearer(good()), "Bearer x"] },
  { what: "a good token twice", authorization: () => [...bearer(good()), ...bearer(good())] },
  { what: "two tokens in one field", authorization: () => [`Bearer ${good()}, Bearer ${good()}`] },
];

describe("claims with tokens", () => {
  const stores = withStores();
  const dir = temporaryDir();
  let sale: Sale;
  let server: ClaimServer;
  const issued = () => createIssuances(stores.db).count(sale.campaign._id);

  before(async () => {
    sale = await openSale(stores, { total: 100 });
    const jwks = join(dir.path, "jwks.json");
    writeFileSync(jwks, JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) }));
    server = await claimServer(stores, sale, {
      mode: "token",
      keys: [key.setting],
      tokens: { secrets: [SECRET, OLD_SECRET], jwks, audience: AUDIENCE, issuer: "shop", skewMs: 5_000 },
    });
  });

  after(async () => {
    await server.close();
    dir.remove();
  });

  for (const { name, claim, find } of CLAIM_TRANSPORTS) {
    describe(name, () => {
      for (const { what, authorization, fields = {}, code = Code.Unauthenticated } of ATTACKS) {
        it(`refuses ${what}, claims nothing and finds nothing`, async () => {
          const before = await issued();
          const credentials = authorization();
          const ask = { campaignId: sale.campaign._id, ...fields };
          for (const call of [claim, find]) {
            const answer = await call(server, ask, credentials);
            expect([answer.code, answer.coupon]).to.deep.equal([code, undefined]);
            for (const part of secretParts(credentials)) expect(answer.text).not.to.include(part);
          }
          expect(await issued()).to.equal(before);
        });
      }

      it("refuses 100 kB before it reads them, and claims nothing", async () => {
        const before = await issued();
        const token = shop.sign(claimsOf(user, { pad: "x".repeat(75_000) }));
        for (const call of [claim, find]) {
          const answer = await call(server, { campaignId: sale.campaign._id }, bearer(token)).catch(
            (error: Error) => ({ coupon: undefined, text: error.message }),
          );
          expect(answer.coupon).to.equal(undefined);
        }
        expect(await issued()).to.equal(before);
      });

      for (const maker of [shop, secretMaker(OLD_SECRET), ...pairs]) {
        it(`gives a good token (${maker.algorithm}) its coupon, and the same one again`, async () => {
          const sub = `${name} ${maker.algorithm} ${maker === shop}`;
          const token = maker.sign(claimsOf(sub, { campaign_id: sale.campaign._id.toLowerCase() }));
          const ask = (fields: { userId?: string }) =>
            claim(server, { campaignId: sale.campaign._id, ...fields }, bearer(token));
          const first = await ask({});
          const again = await ask({ userId: sub });
          const fresh = await claim(
            server,
            { campaignId: sale.campaign._id },
            bearer(maker.sign(claimsOf(sub, { jti: "2" }))),
          );
          expect([first.replayed, again.replayed, fresh.replayed]).to.deep.equal([false, true, true]);
          expect(first.coupon).to.be.a("string");
          const found = await find(server, { campaignId: sale.campaign._id, userId: sub }, bearer(token));
          expect([again.coupon, fresh.coupon, found.coupon]).to.deep.equal([1, 2, 3].map(() => first.coupon));
        });
      }
    });
  }

  // A suite of its own, so that it comes after the others.
  describe("afterwards", () => {
    it("no token, and no part of one, is in the log or the metrics", async () => {
      const seen = server.log.join("\n") + (await server.metricsPage());
      for (const { authorization } of ATTACKS)
        for (const part of secretParts(authorization())) expect(seen).not.to.include(part);
      expect(seen).to.include('outcome="unauthenticated"').and.include('outcome="permission_denied"');
    });
  });
});

/** What of a credential must not come back: its parts, unless they are too short to be told from words. */
function secretParts(authorization: readonly string[]): string[] {
  return authorization
    .flatMap((value) => value.split(/[ .,]+/))
    .filter((part) => part.length >= 20)
    .flatMap((part) => [part.slice(0, 20), part.slice(-20)]);
}
