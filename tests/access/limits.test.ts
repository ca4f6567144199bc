import { expect } from "chai";
import { createCountLookUp, createLimits } from "../../access/limits.ts";
import { fakeClock } from "../support/fake-clock.ts";

const OFF = { user: undefined, address: undefined, key: undefined };
const ONE = { count: 1, seconds: 60 };
const nobody = { userId: "", keyName: "", address: "" };

describe("limits", () => {
  it("there are none where no rate is set", () => {
    expect(createLimits(OFF, fakeClock())).to.equal(undefined);
    expect(createCountLookUp(undefined, fakeClock())).to.equal(undefined);
  });

  it("count by user, by address and by key, each by itself", () => {
    for (const [by, one, other] of [
      ["user", { userId: "alice" }, { userId: "bob" }],
      ["address", { address: "192.0.2.1" }, { address: "192.0.2.2" }],
      ["key", { keyName: "shop" }, { keyName: "app" }],
    ] as const) {
      const limits = createLimits({ ...OFF, [by]: ONE }, fakeClock());
      const count = (caller: object) => limits?.count({ ...nobody, ...caller });
      const [subject] = Object.values(one);
      expect([count(one), count(one), count(other)], by).to.deep.equal([
        undefined,
        { by, subject, retryAfterMs: 60_000 },
        undefined,
      ]);
      expect([count({}), count({})], `${by}: not known`).to.deep.equal([undefined, undefined]);
    }
  });

  it("an IPv6 /64 is one address, and so are the two spellings of an IPv4 address", () => {
    const limits = createLimits({ ...OFF, address: ONE }, fakeClock());
    const count = (address: string) => limits?.count({ ...nobody, address });
    expect(count("2001:db8::1")).to.equal(undefined);
    expect(count("2001:db8::ffff:2")).to.include({ by: "address", subject: "2001:db8:0:0::/64" });
    expect(count("2001:db8:0:1::1")).to.equal(undefined);
    expect(count("192.0.2.1")).to.equal(undefined);
    expect(count("::ffff:192.0.2.1")).to.include({ subject: "192.0.2.1" });
  });

  it("a user over its limit takes nothing from the others behind its address", () => {
    const limits = createLimits({ ...OFF, user: ONE, address: { count: 3, seconds: 60 } }, fakeClock());
    const count = (userId: string) => limits?.count({ ...nobody, userId, address: "192.0.2.1" });
    expect(count("alice")).to.equal(undefined);
    for (let i = 0; i < 10; i++) expect(count("alice")).to.include({ by: "user" });
    expect([count("bob"), count("carol")]).to.deep.equal([undefined, undefined]);
    expect(count("dave")).to.include({ by: "address" });
  });

  it("a user id longer than any user id is not kept", () => {
    const limits = createLimits({ ...OFF, user: ONE }, fakeClock());
    const count = () => limits?.count({ ...nobody, userId: "x".repeat(257) });
    expect([count(), count()]).to.deep.equal([undefined, undefined]);
  });

  it("look-ups are counted by address, apart from claims", () => {
    let over = 0;
    const countLookUp = createCountLookUp(ONE, fakeClock(), () => {
      over += 1;
    });
    expect([countLookUp?.("192.0.2.1"), countLookUp?.("192.0.2.2"), countLookUp?.("")]).to.deep.equal(
      Array(3).fill(undefined),
    );
    expect([countLookUp?.("192.0.2.1")?.by, over]).to.deep.equal(["address", 1]);
  });
});
