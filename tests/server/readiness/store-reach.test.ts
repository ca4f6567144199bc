import { expect } from "chai";
import { createStoreReach } from "../../../server/readiness/store-reach.ts";
import { fakeClock } from "../../support/fake-clock.ts";

describe("whether a process reaches a store", () => {
  it("by its last call; one that has no answer after 3 s counts as failed", async () => {
    const clock = fakeClock();
    const reach = createStoreReach(clock);
    clock.pass(60_000);
    expect(reach.lostMs("redis"), "not asked").to.equal(undefined);
    await reach.ask("redis", async () => undefined);
    clock.pass(1_000);
    await reach.ask("redis", () => Promise.reject(new Error("refused"))).catch(() => undefined);
    clock.pass(500);
    expect([reach.lostMs("redis"), reach.lostMs("mongodb")]).to.deep.equal([1_500, undefined]);
    expect(await reach.ask("redis", async () => "answer")).to.equal("answer");
    expect(reach.lostMs("redis")).to.equal(undefined);
    let answer: (is: undefined) => void = () => undefined;
    const hanging = reach.ask("mongodb", () => new Promise<undefined>((resolve) => (answer = resolve)));
    clock.pass(3_000);
    expect(reach.lostMs("mongodb")).to.equal(undefined);
    clock.pass(1);
    expect(reach.lostMs("mongodb")).to.equal(64_501);
    answer(undefined);
    await hanging;
    expect(reach.lostMs("mongodb")).to.equal(undefined);
  });
});
