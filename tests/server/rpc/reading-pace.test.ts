import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { createReadingPace } from "../../../server/rpc/reading-pace.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const SIZE = { idle: 1_000, busy: 100 };
/** The signal of a caller that waits to the end. */
const STAYS = new AbortController().signal;

/** An event loop of which other work uses a part, and pages that take 5 ms. */
function reading() {
  const clock = fakeClock();
  let share = 0;
  let activeMs = 0;
  let processorMs = 0;
  let processorShare = 1;
  let underWay = 0;
  const limits: number[] = [];
  const beganMs: number[] = [];
  let busyElsewhere = false;
  const pace = createReadingPace({
    ...{ clock, loopActiveMs: () => activeMs, processorMs: () => processorMs },
    busyElsewhere: async () => busyElsewhere,
  });

  const page = (signal = STAYS) =>
    pace.page(
      SIZE,
      async (limit) => {
        underWay += 1;
        expect(underWay).to.equal(1);
        limits.push(limit);
        beganMs.push(clock.elapsed());
        await new Promise<void>((resolve) => void clock.after(5, resolve));
        underWay -= 1;
      },
      signal,
    );

  return {
    ...{ clock, limits, beganMs, page, pace },
    othersUse(part: number) {
      share = part;
    },
    elsewhere(busy: boolean) {
      busyElsewhere = busy;
    },
    /** The part of the loop's work in which it has a processor, and does not wait for one. */
    processorFor(part: number) {
      processorShare = part;
    },
    /** Passes time, millisecond by millisecond, and lets pages continue in between. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 1) {
        activeMs += share;
        processorMs += share * processorShare;
        clock.pass(1);
        await new Promise(setImmediate);
      }
    },
  };
}

describe("the pace of long readings", () => {
  it("while nobody else is served: full pages, with a short look before each", async () => {
    const { page, pass, limits, beganMs } = reading();
    const done = Promise.all([page(), page(), page()]);
    await pass(40);
    await done;
    expect(limits).to.deep.equal([1_000, 1_000, 1_000]);
    expect(Math.max(...beganMs)).to.be.at.most(25);
  });

  it("beside callers: small pages, a tenth of the time", async () => {
    const { page, pass, limits, beganMs, othersUse } = reading();
    othersUse(0.5);
    const done = Promise.all([page(), page(), page(), page()]);
    await pass(300);
    await done;
    expect(limits).to.deep.equal([100, 100, 100, 100]);
    const gaps = beganMs.slice(1).map((atMs, index) => atMs - (beganMs[index] ?? 0));
    for (const gapMs of gaps) expect(gapMs).to.be.within(50, 53);
  });

  it("while another process serves callers: small pages, a tenth of the time, and full ones afterwards", async () => {
    const { page, pass, elsewhere, limits, beganMs } = reading();
    elsewhere(true);
    const done = Promise.all([page(), page(), page()]);
    await pass(200);
    await done;
    expect(limits).to.deep.equal([100, 100, 100]);
    expect((beganMs[2] ?? 0) - (beganMs[1] ?? 0)).to.be.at.least(50);
    elsewhere(false);
    const after = page();
    await pass(100);
    await after;
    expect(limits.at(-1)).to.equal(1_000);
  });

  it("our own last page being sent is not taken for a caller", async () => {
    const { page, pass, limits, othersUse } = reading();
    othersUse(1);
    const done = page();
    await pass(4);
    othersUse(0);
    await pass(20);
    await done;
    expect(limits).to.deep.equal([1_000]);
  });

  it("a loop that waits for a processor, which other programs have, is not taken for a busy one", async () => {
    const { page, pass, limits, othersUse, processorFor } = reading();
    othersUse(0.5);
    processorFor(0.1);
    const done = Promise.all([page(), page()]);
    await pass(40);
    await done;
    expect(limits).to.deep.equal([1_000, 1_000]);
  });

  it("goes on at full speed when the callers have gone", async () => {
    const { page, pass, limits, othersUse } = reading();
    othersUse(0.5);
    const done = Promise.all([page(), page(), page()]);
    await pass(20);
    othersUse(0);
    await pass(150);
    await done;
    expect(limits[0]).to.equal(100);
    expect(limits.slice(1)).to.deep.equal([1_000, 1_000]);
  });

  it("a page that fails is its reader's alone; the next one goes on", async () => {
    const { page, pace, pass, limits } = reading();
    const broken = pace.page(SIZE, () => Promise.reject(new Error("no MongoDB")), STAYS).catch(String);
    const done = page();
    await pass(30);
    await done;
    expect(await broken).to.include("no MongoDB");
    expect(limits).to.deep.equal([1_000]);
  });

  it("a reading that waited long rests no longer than a quarter of a second", async () => {
    const { clock, pace, pass, page, beganMs, othersUse } = reading();
    othersUse(0.5);
    const slow = pace.page(
      SIZE,
      () => new Promise<void>((resolve) => void clock.after(2_000, resolve)),
      STAYS,
    );
    const done = page();
    await pass(2_300);
    await Promise.all([slow, done]);
    expect(beganMs[0]).to.be.within(2_250, 2_300);
  });

  it("callers that go leave at once, and take no turn from those who stay", async () => {
    const { page, pass, limits, beganMs } = reading();
    const first = page();
    const going = Array.from({ length: 20 }, () => new AbortController());
    const left = going.map(({ signal }) => page(signal).catch((error: ConnectError) => error.code));
    const last = page();
    for (const leaving of going) leaving.abort();
    // No time passes.
    expect(new Set(await Promise.all(left))).to.deep.equal(new Set([Code.Canceled]));
    await pass(40);
    await Promise.all([first, last]);
    expect(limits).to.deep.equal([1_000, 1_000]);
    expect(beganMs[1]).to.be.at.most(20);
  });

  it("a caller that goes while the loop is looked at reads nothing, and is told why", async () => {
    const { page, pass, limits } = reading();
    const leaving = new AbortController();
    const gone = page(leaving.signal).catch((error: ConnectError) => error.code);
    leaving.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    await pass(10);
    expect(await gone).to.equal(Code.DeadlineExceeded);
    expect(limits).to.deep.equal([]);
    const done = page();
    await pass(20);
    await done;
    expect(limits).to.deep.equal([1_000]);
  });
});
