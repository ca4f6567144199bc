import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createClaimTokens } from "../../access/claim-tokens.ts";
import type { Verified } from "../../access/token-verifier.ts";
import { AUDIENCE, claimsOf, hmacOf, keyPair, secretMaker } from "../support/claim-credentials.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const secretOf = (name: string) => `${name}-secret-`.repeat(4);
const FIRST = secretOf("first");
const SECOND = secretOf("second");
const STRANGE = secretOf("strange");
const LONG_MS = 60_000;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A token of which only the payload is no JSON. */
function malformed(secret: string): string {
  const head = Buffer.from(JSON.stringify({ alg: "HS256" })).toString("base64url");
  return `${head}.AAAA.${hmacOf(secret)(`${head}.AAAA`)}`;
}

describe("tokens that are signed with one of two secrets", () => {
  const cases = {
    "of the first": { token: secretMaker(FIRST).sign(claimsOf("alice")), answer: "alice" },
    "of the second": { token: secretMaker(SECOND).sign(claimsOf("bob")), answer: "bob" },
    forged: {
      token: secretMaker(STRANGE).sign(claimsOf("mallory")),
      answer: "the signature of the token is wrong",
    },
    "forged and malformed": { token: malformed(STRANGE), answer: "the signature of the token is wrong" },
    malformed: { token: malformed(SECOND), answer: "the token is malformed" },
    expired: {
      token: secretMaker(FIRST).sign(claimsOf("alice", { exp: 1 })),
      answer: "the token has expired",
    },
    unsigned: {
      token: `${secretMaker(FIRST)
        .sign(claimsOf("alice"))
        .replace(/[^.]+$/, "")}`,
      answer: "the token has no signature",
    },
  };

  /** Tokens as this process has them at its start, and while a crowd's are being refused. */
  function createTokens(isUnderAttack: boolean) {
    const clock = fakeClock();
    const settings = { secrets: [FIRST, SECOND], jwks: undefined, audience: AUDIENCE, issuer: undefined };
    const tokens = createClaimTokens(
      { ...settings, skewMs: 0 },
      { clock, logger: silentLogger, onChange: () => undefined },
    );
    if (isUnderAttack) tokens.verify(cases.forged.token);
    else clock.pass(LONG_MS);
    return tokens;
  }

  const answerOf = ({ principal }: Verified) =>
    principal.kind === "token"
      ? principal.userId
      : principal.kind === "none"
        ? principal.why
        : principal.kind;

  for (const [name, { token, answer }] of Object.entries(cases))
    for (const isUnderAttack of [false, true])
      it(`${name}: the same answer ${isUnderAttack ? "while others are refused" : "at rest"}`, async () => {
        const verified = await createTokens(isUnderAttack).verify(token);
        if (verified === "unread") throw new Error("no key set is configured");
        expect(answerOf(verified)).to.equal(answer);
      });
});

describe("a signature that is spelt another way", () => {
  const dir = temporaryDir();
  const pairs = [keyPair("RS256", "rsa-1"), keyPair("ES256", "ec-1"), keyPair("EdDSA", "ed-1")];
  const jwks = join(dir.path, "jwks.json");
  before(() => writeFileSync(jwks, JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) })));
  after(() => dir.remove());

  /** The same bytes to a decoder that is not strict. */
  const SPELLINGS: Readonly<Record<string, (token: string) => string>> = {
    "stray bits": (token) => `${token.slice(0, -1)}${BASE64URL[BASE64URL.indexOf(token.slice(-1)) + 1]}`,
    padding: (token) => `${token}=`,
    "a character of no alphabet": (token) => `${token.slice(0, -5)}!${token.slice(-5)}`,
    "a blank": (token) => `${token.slice(0, -5)} ${token.slice(-5)}`,
  };

  for (const maker of [secretMaker(FIRST), ...pairs])
    for (const [name, respell] of Object.entries(SPELLINGS))
      it(`${maker.algorithm}, ${name}: is refused, at rest as well`, async () => {
        const clock = fakeClock();
        const rules = { audience: AUDIENCE, issuer: undefined, skewMs: 0 };
        const tokens = createClaimTokens(
          { ...rules, secrets: [FIRST], jwks },
          { clock, logger: silentLogger, onChange: () => undefined },
        );
        await tokens.prepare();
        clock.pass(LONG_MS);
        const token = maker.sign(claimsOf("alice"));
        const respelt = respell(token);
        const bytes = (text: string) => Buffer.from(text.slice(text.lastIndexOf(".") + 1), "base64url");
        expect(bytes(respelt), "the same signature").to.deep.equal(bytes(token));
        const refused = await tokens.verify(respelt);
        expect(refused).to.deep.include({
          principal: { kind: "none", why: "the signature of the token is wrong" },
        });
        expect(await tokens.verify(token)).to.have.nested.property("principal.userId", "alice");
      });
});
