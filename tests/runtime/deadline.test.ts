import { expect } from "chai";
import { DeadlineExceeded, withDeadline } from "../../runtime/deadline.ts";
import { fakeClock } from "../support/fake-clock.ts";

const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

describe("deadline", () => {
  it("passes the result and the error of a call that is in time, and leaves no timer", async () => {
    const clock = fakeClock();
    const error = new Error("trouble");
    expect(await outcomeOf(withDeadline(Promise.resolve(7), 60_000, "it", clock))).to.deep.equal({
      value: 7,
    });
    expect(await outcomeOf(withDeadline(Promise.reject(error), 60_000, "it", clock))).to.deep.equal({
      error,
    });
    expect([clock.set(), clock.waiting()]).to.deep.equal([2, []]);
  });

  it("is over at its limit and not before", async () => {
    const clock = fakeClock();
    let over = false;
    const call = outcomeOf(withDeadline(new Promise(() => undefined), 500, "it", clock)).finally(() => {
      over = true;
    });
    clock.pass(499);
    await Promise.resolve();
    expect(over).to.equal(false);
    clock.pass(1);
    expect(await call)
      .to.have.property("error")
      .that.is.instanceOf(DeadlineExceeded);
  });

  it("says what did not answer and how long it was given", async () => {
    const outcome = await outcomeOf(withDeadline(new Promise(() => undefined), 5, "Redis claim"));
    if (!("error" in outcome)) throw new Error("it answered");
    expect(outcome.error).to.be.instanceOf(DeadlineExceeded);
    expect(outcome.error).to.include({
      name: "DeadlineExceeded",
      message: "Redis claim: no answer within 5 ms",
    });
  });

  it("a late result or a late failure is nobody's trouble any more", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise((_, reject) => {
      fail = reject;
    });
    const outcome = await outcomeOf(withDeadline(late, 1, "it"));
    fail(new Error("much later"));
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(outcome).to.have.property("error");
    expect(unhandled).to.deep.equal([]);
  });

  it("a limit that is over already still lets a call through that has its answer", async () => {
    expect(await outcomeOf(withDeadline(Promise.resolve(1), 0, "it"))).to.deep.equal({ value: 1 });
    expect(await outcomeOf(withDeadline(new Promise(() => undefined), -5, "it"))).to.have.property("error");
  });
});
