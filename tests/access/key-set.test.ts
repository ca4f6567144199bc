import { expect } from "chai";
import { createKeySet } from "../../access/key-set.ts";
import { COOLDOWN_MS, FRESH_MS } from "../../access/refresh.ts";
import type { VerifyToken } from "../../access/token-verifier.ts";
import { keyPair } from "../support/claim-credentials.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";

describe("the key set of the tokens", () => {
  const [one, two] = [keyPair("ES256", "one"), keyPair("EdDSA", "two")];
  const textOf = (...jwks: object[]) => JSON.stringify({ keys: jwks });

  function keySet(first: string) {
    const clock = fakeClock();
    const held = { text: first as string | Error, reads: 0, changes: 0 };
    const made = new Map<string, VerifyToken>();
    const set = createKeySet({
      read: async () => {
        held.reads++;
        if (held.text instanceof Error) throw held.text;
        return held.text;
      },
      verifierOf(pem) {
        const verify: VerifyToken = () => ({ principal: { kind: "none", why: pem }, untilMs: 0 });
        made.set(pem, verify);
        return verify;
      },
      onChange: () => void held.changes++,
      ...{ clock, logger: silentLogger },
    });
    return { clock, held, set };
  }

  it("answers a known key without a promise, and finds the only key of an algorithm without an id", async () => {
    const { set, held } = keySet(textOf(one.jwk, two.jwk));
    await set.prepare();
    expect(set.find("one", "ES256")).to.be.a("function");
    expect(set.find(undefined, "EdDSA")).to.equal(set.find("two", "EdDSA"));
    expect(set.find("one", "EdDSA"), "the key of another algorithm").to.equal("unknown");
    expect(held.reads).to.equal(1);
  });

  it("an unknown id has the set read again, once in a while: a new key is found at once", async () => {
    const { set, held, clock } = keySet(textOf(one.jwk));
    await set.prepare();
    held.text = textOf(one.jwk, two.jwk);
    expect(set.find("two", "EdDSA")).to.equal("unknown");
    clock.pass(COOLDOWN_MS);
    const asked = [set.find("two", "EdDSA"), set.find("two", "EdDSA"), set.find("three", "EdDSA")];
    const [first, second, third] = await Promise.all(asked);
    expect(first).to.be.a("function").and.to.equal(second);
    expect([third, held.reads, held.changes]).to.deep.equal(["unknown", 2, 1]);
    for (let i = 0; i < 100; i++) expect(set.find(`${i}`, "RS256")).to.equal("unknown");
    expect(held.reads).to.equal(2);
  });

  it("a key that was taken out is refused, and what it verified is forgotten", async () => {
    const { set, held, clock } = keySet(textOf(one.jwk, two.jwk));
    await set.prepare();
    held.text = textOf(two.jwk);
    clock.pass(FRESH_MS);
    // This use finds that the set is old.
    set.find("two", "EdDSA");
    await new Promise((resolve) => setImmediate(resolve));
    expect([await set.find("one", "ES256"), held.changes]).to.deep.equal(["unknown", 1]);
  });

  it("a set that cannot be read, or is none, leaves the keys that it had, and condemns no other", async () => {
    const { set, held, clock } = keySet(textOf(one.jwk));
    await set.prepare();
    for (const text of [new Error("away"), "<html>", "{}", textOf(...Array(101).fill(one.jwk))]) {
      held.text = text;
      clock.pass(COOLDOWN_MS);
      expect(await set.find("two", "EdDSA"), String(text).slice(0, 20)).to.equal("unread");
      expect(set.find("one", "ES256")).to.be.a("function");
    }
  });

  it("passes over keys that no token may be signed with", async () => {
    const weak = keyPair("RS256", "weak");
    const others = [
      { ...two.jwk, kid: "enc", use: "enc" },
      { ...one.jwk, kid: "alg", alg: "ES384" },
      { kty: "oct", kid: "secret", k: "c2VjcmV0" },
      { ...weak.jwk, kid: "short", n: "AQAB" },
      { ...one.jwk, kid: "broken", x: "x" },
    ];
    const { set } = keySet(textOf(...others, one.jwk));
    await set.prepare();
    for (const kid of ["enc", "alg", "secret", "short", "broken"])
      for (const algorithm of ["RS256", "ES256", "EdDSA", "HS256"] as const)
        expect(set.find(kid, algorithm), kid).to.equal("unknown");
    expect(set.find("one", "ES256")).to.be.a("function");
  });
});
