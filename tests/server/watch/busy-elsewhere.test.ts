import { expect } from "chai";
import type { SeenProcess } from "../../../record/processes.ts";
import { createBusyElsewhere } from "../../../server/watch/busy-elsewhere.ts";
import { fakeClock } from "../../support/fake-clock.ts";

describe("whether other processes are busy", () => {
  function made() {
    const clock = fakeClock();
    const answers = new Map<string, number>();
    const ageMs = new Map<string, number>();
    let looks = 0;
    const seen = async () => {
      looks++;
      return [...answers].map(
        ([_id, issued]) =>
          ({
            ...{ _id, ageMs: ageMs.get(_id) ?? 0, seenAt: new Date(clock.now() - (ageMs.get(_id) ?? 0)) },
            campaigns: [{ campaignId: "A", outcomes: { issued }, latency: [] }],
          }) as unknown as SeenProcess,
      );
    };
    const isBusy = createBusyElsewhere(seen, "own", clock);
    /** A second later; each process has answered so many more. */
    const next = (more: Record<string, number>) => {
      clock.pass(1_000);
      for (const [id, count] of Object.entries(more)) answers.set(id, (answers.get(id) ?? 0) + count);
      return isBusy();
    };
    return { next, isBusy, ageMs, looks: () => looks };
  }

  it("another one answers: busy from its second heartbeat on, until it answers no more", async () => {
    const { next } = made();
    expect(await next({ other: 50_000 }), "what it answered before tells nothing").to.equal(false);
    expect(await next({ other: 5_000 })).to.equal(true);
    expect(await next({ other: 5_000 })).to.equal(true);
    expect(await next({ other: 3 })).to.equal(false);
  });

  it("its own answers do not count, nor those of a process that is gone", async () => {
    const { next, ageMs } = made();
    await next({ own: 0, other: 0 });
    expect(await next({ own: 5_000, other: 0 })).to.equal(false);
    expect(await next({ other: 5_000 })).to.equal(true);
    ageMs.set("other", 3_000);
    expect(await next({})).to.equal(false);
  });

  it("looks once a second, however often it is asked", async () => {
    const { next, isBusy, looks } = made();
    await next({ other: 0 });
    await next({ other: 5_000 });
    for (let i = 0; i < 20; i++) expect(await isBusy()).to.equal(true);
    expect(looks()).to.equal(2);
  });

  it("a heartbeat that is read twice tells nothing new", async () => {
    const { next, ageMs } = made();
    await next({ other: 0 });
    expect(await next({ other: 5_000 })).to.equal(true);
    ageMs.set("other", 1_000);
    expect(await next({})).to.equal(true);
  });

  it("MongoDB does not answer: not busy", async () => {
    expect(await createBusyElsewhere(async () => undefined, "own", fakeClock())()).to.equal(false);
  });
});
