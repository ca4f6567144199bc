import { expect } from "chai";
import { createIssuerKeys, KeysUnread, START_RETRY_MS } from "../../../access/oidc/issuer-keys.ts";
import { COOLDOWN_MS, FRESH_MS } from "../../../access/refresh.ts";
import { keyPair } from "../../support/claim-credentials.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { silentLogger } from "../../support/shared-stores.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("the keys of the issuer of access tokens", () => {
  const [one, two] = [keyPair("ES256", "one"), keyPair("EdDSA", "two")];

  function keysOf(...first: object[]) {
    const clock = fakeClock();
    const held = { keys: first as object[] | Error, reads: 0 };
    const keys = createIssuerKeys({
      ...{ issuer: "https://id.test", clock, logger: silentLogger },
      read: async () => {
        held.reads += 1;
        if (held.keys instanceof Error) throw held.keys;
        return { keys: held.keys } as never;
      },
    });
    const look = async (kid: string, alg: string) => {
      try {
        return typeof (await keys.keyOf({ kid, alg }, {} as never));
      } catch (error) {
        return error instanceof KeysUnread ? "unread" : (error as { code: string }).code;
      }
    };
    return { clock, held, keys, look };
  }

  it("are read at the start, and again without any call until they could be read once", async () => {
    const { keys, held, clock } = keysOf(one.jwk);
    const good = held.keys;
    held.keys = new Error("away");
    keys.start();
    await settled();
    clock.pass(START_RETRY_MS);
    await settled();
    held.keys = good;
    clock.pass(START_RETRY_MS);
    await settled();
    expect([held.reads, clock.waiting()]).to.deep.equal([3, []]);
  });

  it("are not read again once the service has stopped", async () => {
    const { keys, held, clock } = keysOf();
    held.keys = new Error("away");
    keys.start();
    keys.stop();
    await settled();
    expect([held.reads, clock.waiting()]).to.deep.equal([1, []]);
  });

  it("a key that was taken out is refused after a minute of use", async () => {
    const { held, clock, look } = keysOf(one.jwk, two.jwk);
    expect(await look("one", "ES256")).to.equal("object");
    held.keys = [two.jwk];
    clock.pass(FRESH_MS - 1);
    expect(await look("one", "ES256")).to.equal("object");
    clock.pass(1);
    // This use finds that the set is old.
    await look("two", "EdDSA");
    await settled();
    expect(await look("one", "ES256")).to.equal("ERR_JWKS_NO_MATCHING_KEY");
    expect(held.reads).to.equal(2);
  });

  it("keys that were read are kept while the issuer is away, however long; an unknown one is undecided", async () => {
    const { held, clock, look } = keysOf(one.jwk);
    expect(await look("one", "ES256")).to.equal("object");
    held.keys = new Error("away");
    for (let round = 0; round < 3; round++) {
      clock.pass(FRESH_MS);
      expect(await look("one", "ES256")).to.equal("object");
      clock.pass(COOLDOWN_MS);
      expect(await look("two", "EdDSA")).to.equal("unread");
    }
  });
});
