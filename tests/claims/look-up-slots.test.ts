import { expect } from "chai";
import { QueueFull } from "../../claims/batch-queue.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import { gate } from "../support/open-sale.ts";

describe("slots of look-ups", () => {
  const open = () => createLookUpSlots({ what: "look-ups", atOnceMax: 2, waitingMax: 3 });
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

  it("run a few at once and the others in order; one too many is refused at once", async () => {
    const slots = open();
    const gates = Array.from({ length: 5 }, gate);
    const begun: number[] = [];
    const running = gates.map(({ passed }, i) =>
      slots.run(async () => {
        begun.push(i);
        await passed;
        return i;
      }),
    );
    const refused = await slots.run(() => Promise.resolve()).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(QueueFull).with.property("message", "3 look-ups wait already");
    await settled();
    expect(begun).to.deep.equal([0, 1]);
    gates[1]?.open();
    await settled();
    expect(begun).to.deep.equal([0, 1, 2]);
    for (const one of gates) one.open();
    expect(await Promise.all(running)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(begun).to.deep.equal([0, 1, 2, 3, 4]);
    const [again, more] = [gate(), gate()];
    const last = [again, more].map(({ passed }) => slots.run(() => passed));
    await settled();
    for (const one of [again, more]) one.open();
    await Promise.all(last);
  });

  it("a call that fails or throws gives its slot back; a caller that has gone is not served", async () => {
    const slots = open();
    const calls = [
      () => Promise.reject(new Error("not now")),
      () => {
        throw new Error("not now");
      },
    ];
    for (let round = 0; round < 10; round++)
      for (const call of calls)
        expect(await slots.run(call).catch((error: Error) => error.message)).to.equal("not now");
    let asked = 0;
    const gone = await slots
      .run(
        async () => {
          asked += 1;
        },
        () => true,
      )
      .catch((error: Error) => error.name);
    expect([gone, asked]).to.deep.equal(["QueueFull", 0]);
    expect(await slots.run(() => Promise.resolve(7))).to.equal(7);
  });
});
