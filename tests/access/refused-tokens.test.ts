import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createAuthenticate } from "../../access/authenticate.ts";
import { FRESH_MS } from "../../access/refresh.ts";
import { createRefusedTokens, REFUSED_HALF_MAX } from "../../access/refused-tokens.ts";
import { refused } from "../../access/token-verifier.ts";
import { until } from "../../local/poll.ts";
import { AUDIENCE, claimsOf, keyPair, secretMaker } from "../support/claim-credentials.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const FOR_GOOD = refused("it has expired", Number.POSITIVE_INFINITY);

describe("refused tokens", () => {
  it("keeps one that is wrong for good, for five seconds", () => {
    const tokens = createRefusedTokens();
    tokens.keep("a", FOR_GOOD, 1_000);
    expect(tokens.get("a", 5_999)).to.deep.equal(FOR_GOOD.principal);
    expect(tokens.get("a", 6_000)).to.equal(undefined);
  });

  it("keeps none that may be good in a moment", () => {
    const tokens = createRefusedTokens();
    tokens.keep("a", refused("not yet"), 1_000);
    expect(tokens.get("a", 1_000)).to.equal(undefined);
  });

  it("keeps a bounded number", () => {
    const tokens = createRefusedTokens();
    for (let i = 0; i <= 2 * REFUSED_HALF_MAX; i++) tokens.keep(`${i}`, FOR_GOOD, 0);
    expect(tokens.get("0", 0)).to.equal(undefined);
    expect(tokens.get(`${2 * REFUSED_HALF_MAX}`, 0)).to.deep.equal(FOR_GOOD.principal);
  });
});

describe("authentication with refused tokens", () => {
  const dir = temporaryDir();
  after(() => dir.remove());
  const rules = { audience: AUDIENCE, issuer: undefined, skewMs: 0 };

  it("a token that was not valid yet is good from its instant on", async () => {
    // The clock stands: what was kept would be kept for ever.
    const { authenticate } = createAuthenticate(
      { keys: [], tokens: { secrets: [SECRET], jwks: undefined, ...rules } },
      { clock: fakeClock(), logger: silentLogger },
    );
    const nbf = Math.ceil(Date.now() / 1_000) + 1;
    const token = `Bearer ${secretMaker(SECRET).sign(claimsOf("alice", { nbf }))}`;
    const isGood = () => JSON.stringify(authenticate(token)).includes("alice");
    const first = isGood();
    expect(first && Date.now() < nbf * 1_000, "before its instant").to.equal(false);
    expect(await until(isGood, HANG_MS)).to.equal(true);
  });

  it("a signature that is wrong with one key is good with the next of the same name", async () => {
    const [before, next] = [keyPair("ES256", "shop"), keyPair("ES256", "shop")];
    const jwks = join(dir.path, "jwks.json");
    const write = (jwk: object) => writeFileSync(jwks, JSON.stringify({ keys: [jwk] }));
    write(before.jwk);
    const clock = fakeClock();
    const { authenticate, prepare } = createAuthenticate(
      { keys: [], tokens: { secrets: [], jwks, ...rules } },
      { clock: { ...clock, now: () => 0 }, logger: silentLogger },
    );
    await prepare();
    const ask = (token: string) => authenticate(`Bearer ${token}`);
    const token = next.sign(claimsOf("alice"));
    for (const _ of [1, 2])
      expect(ask(token)).to.deep.equal({ kind: "none", why: "the signature of the token is wrong" });
    write(next.jwk);
    clock.pass(FRESH_MS);
    let uses = 0;
    const isGood = () => {
      // A use of the key set has it read again once it is old; a token that is known needs none.
      ask(before.sign(claimsOf("bob", { n: uses++ })));
      return JSON.stringify(ask(token)).includes("alice");
    };
    expect(await until(isGood, HANG_MS)).to.equal(true);
  });

  it("a token that is known is refused once its key has gone from the set, also where no other token comes", async () => {
    const [old, next] = [keyPair("ES256", "old"), keyPair("ES256", "next")];
    const jwks = join(dir.path, "withdrawn.json");
    const write = (jwk: object) => writeFileSync(jwks, JSON.stringify({ keys: [jwk] }));
    write(old.jwk);
    const clock = fakeClock();
    const { authenticate, prepare } = createAuthenticate(
      { keys: [], tokens: { secrets: [], jwks, ...rules } },
      { clock: { ...clock, now: () => 0 }, logger: silentLogger },
    );
    await prepare();
    const token = `Bearer ${old.sign(claimsOf("alice"))}`;
    const isGood = () => JSON.stringify(authenticate(token)).includes("alice");
    expect([isGood(), isGood()]).to.deep.equal([true, true]);
    write(next.jwk);
    clock.pass(FRESH_MS);
    expect(await until(() => !isGood(), HANG_MS)).to.equal(true);
  });
});
