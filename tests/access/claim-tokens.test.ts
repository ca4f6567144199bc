import { expect } from "chai";
import { createClaimTokens } from "../../access/claim-tokens.ts";
import type { Verified } from "../../access/token-verifier.ts";
import { AUDIENCE, claimsOf, hmacOf, secretMaker } from "../support/claim-credentials.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";

const secretOf = (name: string) => `${name}-secret-`.repeat(4);
const FIRST = secretOf("first");
const SECOND = secretOf("second");
const STRANGE = secretOf("strange");
const LONG_MS = 60_000;

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
