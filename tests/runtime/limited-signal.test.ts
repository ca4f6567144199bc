import { once } from "node:events";
import { expect } from "chai";
import { limitedSignal } from "../../runtime/limited-signal.ts";
import { collectGarbage } from "../support/collect-garbage.ts";

describe("a limited signal", () => {
  it("is aborted by its time, also where nothing but a waiter holds it and the garbage collector comes by", async () => {
    const never = new AbortController();
    const waiting = once(new EventTarget(), "never", { signal: limitedSignal(50, never.signal).signal });
    collectGarbage();
    const error: unknown = await waiting.catch((reason: unknown) => reason);
    expect(error).to.have.property("name", "AbortError");
  });

  it("is aborted with another signal, and says which it was", () => {
    const other = new AbortController();
    const { signal, isLate, clear } = limitedSignal(60_000, other.signal);
    const reason = new Error("interrupted");
    other.abort(reason);
    expect(signal.reason).to.equal(reason);
    expect(isLate()).to.equal(false);
    clear();
    const already = limitedSignal(60_000, other.signal);
    expect(already.signal.aborted).to.equal(true);
    already.clear();
  });

  it("is never aborted once it is cleared", () => {
    const other = new AbortController();
    const { signal, clear } = limitedSignal(60_000, other.signal);
    clear();
    other.abort();
    expect(signal.aborted).to.equal(false);
  });
});
