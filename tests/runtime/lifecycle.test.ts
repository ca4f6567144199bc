import { expect } from "chai";
import { createLifecycle } from "../../runtime/lifecycle.ts";
import { createLogger } from "../../runtime/logger.ts";

type Line = { resource?: string; msg: string };

function lifecycle(deadlineMs = 5_000) {
  const lines: Line[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Line) },
  });
  return { life: createLifecycle(logger, deadlineMs), lines };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("lifecycle", () => {
  it("gives back in reverse order, each after the one before has ended", async () => {
    const { life, lines } = lifecycle();
    const steps: string[] = [];
    for (const name of ["stores", "workers", "doors"]) {
      life.onRelease(name, async () => {
        steps.push(`${name} begins`);
        await turn();
        steps.push(`${name} ends`);
      });
    }
    expect(life.releasing()).to.equal(false);
    expect(await life.release()).to.equal(true);
    expect(steps).to.deep.equal(
      ["doors", "workers", "stores"].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
    expect(lines).to.deep.equal([]);
  });

  it("once: later calls get the same result", async () => {
    const { life } = lifecycle();
    let released = 0;
    life.onRelease("one", () => void released++);
    const both = [life.release(), life.release()];
    expect(life.releasing()).to.equal(true);
    expect(await Promise.all(both)).to.deep.equal([true, true]);
    expect(await life.release()).to.equal(true);
    expect(released).to.equal(1);
  });

  it("nothing to give back is a clean end", async () => {
    expect(await lifecycle().life.release()).to.equal(true);
  });

  it("one that fails, by throw or by rejection, does not keep the others; the end is not clean", async () => {
    const { life, lines } = lifecycle();
    const released: string[] = [];
    life.onRelease("first", () => void released.push("first"));
    life.onRelease("throws", () => {
      throw new Error("at once");
    });
    life.onRelease("rejects", () => Promise.reject(new Error("later")));
    life.onRelease("last", () => void released.push("last"));
    expect(await life.release()).to.equal(false);
    expect(released).to.deep.equal(["last", "first"]);
    expect(lines.map(({ resource }) => resource)).to.deep.equal(["rejects", "throws"]);
  });

  it("one that hangs is left behind at the deadline, and the others still get their turn", async () => {
    const { life, lines } = lifecycle(60);
    const released: string[] = [];
    life.onRelease("stores", () => void released.push("stores"));
    life.onRelease("hangs", () => new Promise(() => undefined));
    life.onRelease("doors", () => void released.push("doors"));
    const startedAt = performance.now();
    // The deadline's timer does not keep a process alive; this timer does, for the test.
    const alive = setTimeout(() => undefined, 10_000);
    expect(await life.release()).to.equal(false);
    clearTimeout(alive);
    expect(performance.now() - startedAt).to.be.within(50, 5_000);
    expect(released).to.deep.equal(["doors", "stores"]);
    expect(lines.map(({ resource, msg }) => [resource, msg])).to.deep.equal([
      ["hangs", "a resource was not released within the deadline"],
    ]);
  });
});
