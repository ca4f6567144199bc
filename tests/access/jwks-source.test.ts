import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { jwksSource } from "../../access/jwks-source.ts";
import { createKeySet } from "../../access/key-set.ts";
import { COOLDOWN_MS } from "../../access/refresh.ts";
import { createTokenVerifier } from "../../access/token-verifier.ts";
import { until } from "../../local/poll.ts";
import { AUDIENCE, claimsOf, keyPair } from "../support/claim-credentials.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { BAD_PAGES, type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/** Long enough for a page on this machine, however busy it is; the pages that hang are given little. */
const [ENOUGH_MS, LITTLE_MS] = [HANG_MS, 200];

describe("the key set behind CLAIM_TOKEN_JWKS", () => {
  let fake: FakeIssuer;
  const dir = temporaryDir();
  before(async () => {
    fake = await startFakeIssuer();
  });
  after(async () => {
    await fake.close();
    dir.remove();
  });

  it("is read over HTTP, and again once a token names a key that is not known", async () => {
    const [old, fresh] = [keyPair("ES256", "old"), keyPair("EdDSA", "new")];
    const clock = fakeClock();
    const rules = { audience: AUDIENCE, issuer: undefined, skewMs: 0 };
    const set = createKeySet({
      ...{
        read: jwksSource(fake.jwksUrl, ENOUGH_MS),
        onChange: () => undefined,
        clock,
        logger: silentLogger,
      },
      verifierOf: (pem, algorithm) => createTokenVerifier(pem, algorithm, rules),
    });
    const principalOf = async (maker: typeof old) => {
      const verify = await set.find(maker.kid, maker.algorithm);
      return typeof verify === "function" ? verify(maker.sign(claimsOf("alice"))).principal.kind : verify;
    };
    fake.publish(old.jwk);
    await set.prepare();
    expect(await principalOf(old)).to.equal("token");
    expect(await principalOf(fresh)).to.equal("unknown");
    fake.publish(old.jwk, fresh.jwk);
    clock.pass(COOLDOWN_MS);
    expect(await principalOf(fresh)).to.equal("token");
    fake.publish(fresh.jwk);
    clock.pass(COOLDOWN_MS);
    expect(await principalOf(keyPair("ES256", "unknown"))).to.equal("unknown");
    expect(await principalOf(old), "a key that was taken out").to.equal("unknown");
    expect(fake.reads.jwks).to.equal(3);
  });

  const unreadable = ["no JSON", "no object", "more than 100 keys"];
  for (const [name, page] of Object.entries(BAD_PAGES).filter(([one]) => !unreadable.includes(one))) {
    it(`refuses ${name}`, async () => {
      fake.jwks = page;
      const isSlow = name.startsWith("no answer") || name.startsWith("half");
      const read = jwksSource(fake.jwksUrl, isSlow ? LITTLE_MS : ENOUGH_MS);
      const error = await read().then(
        () => undefined,
        (failure: Error) => failure,
      );
      expect(error).to.be.instanceOf(Error);
      if (isSlow) expect(error?.name).to.equal("TimeoutError");
      if (name.includes("KiB") || name.includes("end"))
        expect(error?.message).to.equal("it has more than 262144 bytes");
      if (name === "an error") expect(error?.message).to.equal("its server answered with HTTP 500");
    });
  }

  it("half an answer is refused also after a collection of garbage, with which fetch forgets its signal", async () => {
    fake.jwks = BAD_PAGES["half an answer"] as NonNullable<typeof fake.jwks>;
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    let failure: Error | undefined;
    const reading = jwksSource(fake.jwksUrl, LITTLE_MS)().catch((error: Error) => {
      failure = error;
    });
    await until(() => {
      collect();
      return failure !== undefined;
    }, HANG_MS);
    await reading;
    expect(failure?.name).to.equal("TimeoutError");
  });

  it("a server that is away is an error; a file is read up to the same limit", async () => {
    const gone = await startFakeIssuer();
    await gone.close();
    const [small, large] = [join(dir.path, "small"), join(dir.path, "large")];
    writeFileSync(small, '{"keys":[]}');
    writeFileSync(large, " ".repeat(300 * 1024));
    const outcome = (place: string) => jwksSource(place, ENOUGH_MS)().catch((error: Error) => error.message);
    expect(await outcome(gone.jwksUrl)).to.equal("fetch failed");
    expect(await outcome(small)).to.equal('{"keys":[]}');
    expect(await outcome(large)).to.equal("the file has more than 262144 bytes");
  });
});
