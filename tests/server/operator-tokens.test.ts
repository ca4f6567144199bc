import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { createOperatorTokens, type OperatorTokens } from "../../access/oidc/operator-tokens.ts";
import { createAuthenticateOperator } from "../../access/operators.ts";
import { COOLDOWN_MS } from "../../access/refresh.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { OperatorRole } from "../../runtime/operator-settings.ts";
import { API, accessTokens, forgedTokens, HOUR_S, ps256Pair } from "../support/access-tokens.ts";
import { keyPair } from "../support/claim-credentials.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { BAD_PAGES, type FakeIssuer, type Page, startFakeIssuer } from "../support/fake-issuer.ts";
import { type GatedApp, refusalIn, startGatedApp, TRANSPORTS } from "../support/gated-app.ts";
import { keySetting } from "../support/operator-key.ts";
import { HANG_MS } from "../support/patience.ts";

const KEY = "a-key-of-an-operator-0123456789012345678";
const SKEW_S = 5;
/** For pages that never end. */
const LITTLE_MS = 200;
const es256 = keyPair("ES256", "es");
const rs256 = keyPair("RS256", "rs");
const eddsa = keyPair("EdDSA", "ed");
const ps256 = ps256Pair("ps");

/** Tokens by name, each with what its refusal says. Few at once: a source of many wrong ones must wait. */
type Rows = Readonly<Record<string, readonly [token: string, says: RegExp]>>;

describe("access tokens of operators", function () {
  this.timeout(HANG_MS);
  let fake: FakeIssuer;
  let clock: FakeClock;
  let tokens: OperatorTokens;
  let app: GatedApp;
  let log: string[];
  const logger = createLogger({
    ...{ level: "trace", format: "json" },
    destination: { write: (line: string) => void log.push(line) },
  });

  beforeEach(async () => {
    fake = await startFakeIssuer();
    fake.publish(es256.jwk, rs256.jwk, eddsa.jwk, ps256.jwk);
    clock = fakeClock({ startMs: Date.now() });
    log = [];
  });
  afterEach(async () => {
    await app.close();
    tokens.stop();
    await fake.close();
  });

  const nowS = () => Math.floor(clock.now() / 1_000);

  async function start(deadlineMs = HANG_MS) {
    tokens = createOperatorTokens(
      {
        ...{ issuer: fake.issuer, audience: API, skewMs: SKEW_S * 1_000 },
        ...{ roleClaim: "roles", nameClaim: "sub" },
        roles: new Map<string, OperatorRole>([
          ["viewer", "viewer"],
          ["operator", "operator"],
          ["coupon-admins", "admin"],
        ]),
      },
      { clock, logger, deadlineMs },
    );
    const keys = [keySetting("key-holder", "admin", KEY)];
    app = await startGatedApp(createAuthenticateOperator({ keys, verifyToken: tokens.verify }));
  }

  const good = () => accessTokens(es256, fake.issuer);
  const listing = (token: string, transport: (typeof TRANSPORTS)[number] = "Connect, JSON") =>
    refusalIn(app.campaigns(transport, `Bearer ${token}`).listCampaigns({}));

  async function expectWrong(rows: Rows, transport: (typeof TRANSPORTS)[number]) {
    for (const [name, [text, says]] of Object.entries(rows)) {
      const told = await listing(text, transport);
      expect([told?.code, told?.reason], name).to.deep.equal([
        Code.Unauthenticated,
        RefusalReason.UNAUTHENTICATED,
      ]);
      expect(told?.message, name).to.match(says);
      for (const part of text.split(".").filter(({ length }) => length > 3))
        expect(told?.message, name).not.to.include(part);
    }
    expect(app.reached).to.deep.equal([]);
  }

  for (const transport of TRANSPORTS) {
    it(`let an operator in, whatever the key and the type of the token, over ${transport}`, async () => {
      await start();
      const made = [es256, rs256, eddsa, ps256].map((maker) => accessTokens(maker, fake.issuer)());
      const types = ["application/at+jwt", "AT+JWT", "JWT", undefined].map((typ) => good()({}, { typ }));
      const lists = [good()({ aud: ["other", API] }), good()({ exp: nowS() - 1 })];
      const ofKeycloak = good()({ typ: "Bearer", nonce: "n" }, { typ: "JWT" });
      for (const token of [...made, ...types, ...lists, ofKeycloak]) {
        expect(await listing(token, transport)).to.equal(undefined);
        expect(app.reached.pop()).to.include({ method: "listCampaigns", operator: "oidc:kim" });
      }
      expect([fake.reads.discovery, fake.reads.jwks]).to.deep.equal([1, 1]);
    });

    it(`that are forged let nobody in, over ${transport}`, async () => {
      await start();
      await expectWrong(forgedTokens(fake.issuer, "es", es256.publicPem, good()), transport);
    });

    it(`that are for something else let nobody in, over ${transport}`, async () => {
      await start();
      const token = good();
      const rows: Rows = {
        expired: [token({ exp: nowS() - SKEW_S - 2 }), /expired/],
        "not valid yet": [token({ nbf: nowS() + HOUR_S }), /not valid yet/],
        "without exp": [token({ exp: undefined }), /must have exp/],
        "without sub": [token({ sub: undefined }), /must have sub/],
        "for another audience": [token({ aud: "https://other.test" }), /another audience/],
        "without an audience": [token({ aud: undefined }), /another audience/],
        "of another issuer": [token({ iss: `${fake.issuer}/` }), /another issuer/],
        "without an issuer": [token({ iss: undefined }), /another issuer/],
        "with an unknown key": [token({}, { kid: "es-2" }), /not among/],
        "an ID token, by its nonce": [token({ nonce: "n" }, { typ: "JWT" }), /is an ID token/],
        "an ID token, by at_hash": [token({ at_hash: "h" }, { typ: undefined }), /is an ID token/],
        "an ID token of Keycloak": [token({ typ: "ID" }, { typ: "JWT" }), /is an ID token/],
        "bound to a key": [token({ cnf: { jkt: "x" } }), /bound to a key/],
        "too long": [token({ groups: "g".repeat(9_000) }), /8192 characters/],
      };
      await expectWrong(rows, transport);
    });

    it(`give the role that their claims are mapped to, and no other, over ${transport}`, async () => {
      await start();
      const rows = [
        [
          { roles: ["viewer"] },
          "createCampaign",
          /createCampaign.* needs the role operator; oidc:kim has .*viewer/i,
        ],
        [
          { roles: ["viewer", "operator", "x"] },
          "endCampaign",
          /needs the role admin; oidc:kim has .*operator/,
        ],
        [{ roles: ["admin"] }, "listCampaigns", /oidc:kim has no role of an operator: roles/],
        [{ roles: [] }, "listCampaigns", /no role/],
        [{ roles: undefined }, "listCampaigns", /no role/],
        [{ roles: { 0: "coupon-admins" } }, "listCampaigns", /no role/],
        [{ sub: "kim lee" }, "listCampaigns", /^sub: .*must name the operator/],
        [{ sub: "x".repeat(91) }, "listCampaigns", /^sub: .*must name the operator/],
      ] as const;
      for (const [claims, method, says] of rows) {
        const told = await refusalIn(app.campaigns(transport, `Bearer ${good()(claims)}`)[method]({}));
        expect([told?.code, told?.reason], JSON.stringify(claims)).to.deep.equal([
          Code.PermissionDenied,
          RefusalReason.PERMISSION_DENIED,
        ]);
        expect(told?.message).to.match(says);
      }
      expect(app.reached).to.deep.equal([]);
      const admin = app.campaigns(transport, `Bearer ${good()({ roles: ["viewer", "coupon-admins"] })}`);
      expect(await refusalIn(admin.endCampaign({}))).to.equal(undefined);
      // A key beside them, as before.
      expect(await refusalIn(app.campaigns(transport, `Bearer ${KEY}`).endCampaign({}))).to.equal(undefined);
      expect(app.reached.map(({ operator }) => operator)).to.deep.equal(["oidc:kim", "key-holder"]);
    });

    it(`are undecided while the provider is away, and keys work, over ${transport}`, async () => {
      fake.discovery = BAD_PAGES["an error"] ?? "";
      await start();
      const told = await listing(good()(), transport);
      expect([told?.code, told?.reason]).to.deep.equal([Code.Unavailable, RefusalReason.OVERLOADED]);
      expect(told?.message).to.match(/keys of the issuer .* cannot be read at the moment/);
      expect(await listing(KEY, transport)).to.equal(undefined);
    });
  }

  it("a new key is found once a token names it, at most every few seconds, and an old one refused", async () => {
    await start();
    const fresh = keyPair("ES256", "es-2");
    const token = accessTokens(fresh, fake.issuer);
    expect(await listing(good()())).to.equal(undefined);
    fake.publish(fresh.jwk);
    const many = Array.from({ length: 15 }, () => listing(token()));
    for (const told of await Promise.all(many)) expect(told?.message).to.match(/not among/);
    expect(fake.reads.jwks, "within the cooldown").to.equal(1);
    clock.pass(COOLDOWN_MS);
    for (const told of await Promise.all([listing(token()), listing(token())]))
      expect(told).to.equal(undefined);
    expect(fake.reads.jwks).to.equal(2);
    expect((await listing(good()()))?.message).to.match(/not among/);
  });

  it("keys that were read stay good while the provider is away; an unknown one is undecided", async () => {
    await start();
    expect(await listing(good()())).to.equal(undefined);
    fake.jwks = BAD_PAGES["an error"] ?? "";
    clock.pass(COOLDOWN_MS);
    expect((await listing(good()({}, { kid: "es-2" })))?.code).to.equal(Code.Unavailable);
    expect(await listing(good()())).to.equal(undefined);
  });

  it("a provider that was away is asked again; the log has the beginning and the end of it, and no token", async () => {
    const page = fake.discovery;
    fake.discovery = BAD_PAGES["no JSON"] ?? "";
    await start();
    for (let round = 0; round < 3; round++) {
      expect((await listing(good()()))?.code).to.equal(Code.Unavailable);
      clock.pass(COOLDOWN_MS);
    }
    fake.discovery = page;
    expect(await listing(good()())).to.equal(undefined);
    expect(log.map((line) => JSON.parse(line).msg)).to.deep.equal([
      "the keys of the operators' issuer (OPERATOR_OIDC_ISSUER) cannot be read",
      "the keys of the operators' issuer were read",
    ]);
    expect(log.join("")).not.to.include("eyJ");
  });

  const pages: Readonly<Record<string, (issuer: string) => Page>> = {
    ...Object.fromEntries(Object.entries(BAD_PAGES).map(([name, page]) => [name, () => page])),
    "one of another issuer": () =>
      JSON.stringify({ issuer: "https://other.test", jwks_uri: `${fake.issuer}/jwks` }),
    // This machine, by an address that is not its loopback one.
    "one with keys without TLS": (issuer) =>
      JSON.stringify({ issuer, jwks_uri: `${issuer.replace("127.0.0.1", "0.0.0.0")}/jwks` }),
    "one without a place of keys": (issuer) => JSON.stringify({ issuer }),
  };
  for (const [name, pageOf] of Object.entries(pages)) {
    it(`nothing is believed of a provider whose discovery document is ${name}`, async () => {
      fake.discovery = pageOf(fake.issuer);
      await start(name.startsWith("no answer") || name.startsWith("half") ? LITTLE_MS : HANG_MS);
      expect((await listing(good()()))?.code).to.equal(Code.Unavailable);
      expect(fake.reads.jwks).to.equal(0);
    });
  }
});
