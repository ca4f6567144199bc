import { expect } from "chai";
import { createSharedLook } from "../../runtime/shared-look.ts";
import { fakeClock } from "../support/fake-clock.ts";

describe("shared look", () => {
  function asking() {
    const clock = fakeClock();
    const asked: { key: string; answer: (value: number) => void; fail: (error: Error) => void }[] = [];
    const look = createSharedLook<number>(
      (key) =>
        new Promise((resolve, reject) => {
          asked.push({ key, answer: resolve, fail: reject });
        }),
      100,
      clock,
    );
    return { clock, asked, look };
  }

  it("asks once for all who come while an answer is under way or fresh, and for each key by itself", async () => {
    const { clock, asked, look } = asking();
    const [one, two, other] = [look("a"), look("a"), look("b")];
    expect(asked.map(({ key }) => key)).to.deep.equal(["a", "b"]);
    asked[0]?.answer(1);
    asked[1]?.answer(2);
    expect(await Promise.all([one, two, other])).to.deep.equal([1, 1, 2]);
    clock.pass(99);
    expect(await look("a")).to.equal(1);
    clock.pass(1);
    void look("a");
    expect(asked).to.have.length(3);
  });

  it("a store that hangs is not asked a second time", () => {
    const { clock, asked, look } = asking();
    void look("a");
    clock.pass(60_000);
    void look("a");
    expect(asked).to.have.length(1);
  });

  it("a failure is everybody's, and then it is asked again", async () => {
    const { clock, asked, look } = asking();
    const both = [look("a"), look("a")].map((one) => one.catch(String));
    asked[0]?.fail(new Error("away"));
    expect(await Promise.all(both)).to.deep.equal(["Error: away", "Error: away"]);
    expect(await look("a").catch(String)).to.equal("Error: away");
    clock.pass(100);
    const again = look("a");
    asked[1]?.answer(5);
    expect(await again).to.equal(5);
  });

  it("is bounded in its keys", async () => {
    const { asked, look } = asking();
    for (let i = 0; i < 1_001; i++) void look(`campaign ${i}`);
    void look("campaign 1000");
    expect(asked).to.have.length(1_001);
    asked[0]?.answer(1);
    await new Promise(setImmediate);
    void look("campaign 0");
    expect(asked).to.have.length(1_002);
  });
});
