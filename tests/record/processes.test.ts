import { expect } from "chai";
import type { ProcessBeat, ProcessDoc } from "../../record/documents.ts";
import { createProcesses, type Processes } from "../../record/processes.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;
/** The tolerance between MongoDB's clock and this test's: one machine has both, but a read takes time. */
const MOMENT_MS = 2_000;

const beat: ProcessBeat = {
  host: "a-host",
  pid: 4711,
  roles: ["server", "scheduler"],
  version: "1.2.3",
  startedAt: new Date(1_800_000_000_000),
  redisClock: { offsetMs: -1.5, uncertaintyMs: 1.25 },
  alarms: {},
  campaigns: [{ campaignId: "c", outcomes: { issued: 3 }, latency: [0, 2, 1] }],
};

describe("processes", () => {
  const stores = withStores("each");
  let processes: Processes;

  beforeEach(async () => {
    processes = createProcesses(stores.db);
  });

  /** Moves the last heartbeat into the past. */
  const silence = (owner: string, ms: number) =>
    stores.db
      .collection<ProcessDoc>("processes")
      .updateOne({ _id: owner }, { $set: { seenAt: new Date(Date.now() - ms) } });

  it("says what the process said, with ages on MongoDB's clock", async () => {
    await processes.beat("one", beat, 400);
    const [seen, ...others] = await processes.seen(HOUR_MS);
    expect(others).to.deep.equal([]);
    expect(seen).to.deep.include({ ...beat, _id: "one" });
    expect(seen?.ageMs).to.be.within(0, MOMENT_MS);
    expect(seen?.tickAgeMs).to.equal(400 + (seen?.ageMs ?? Number.NaN));
  });

  it("a beat replaces the one before, wholly", async () => {
    await processes.beat("one", { ...beat, worker: 2 }, 400);
    const { redisClock: _, ...unmeasured } = beat;
    await processes.beat("one", { ...unmeasured, pid: 1 });
    const all = await processes.seen(HOUR_MS);
    expect(all).to.have.length(1);
    expect(all[0])
      .to.include({ pid: 1 })
      .and.not.have.any.keys("worker", "redisClock", "tickAgeMs", "lastTickAt");
  });

  it("shows servers that were ready lately, and what others need to know of them alone", async () => {
    const serving = { parts: ["public"], pages: ["http://10.0.0.1:8090"] };
    await processes.beat("ready", { ...beat, serving });
    await processes.beat("draining", beat);
    await processes.beat("silent", { ...beat, serving });
    await silence("silent", 60_000);
    const [one, ...others] = await processes.servers(30_000);
    expect(others).to.deep.equal([]);
    expect(one).to.have.all.keys("_id", "host", "serving", "redisClock", "ageMs");
    expect(one).to.deep.include({ _id: "ready", host: "a-host", serving, redisClock: beat.redisClock });
    expect(one?.ageMs).to.be.within(0, MOMENT_MS);
  });

  it("shows who was heard of lately, longest standing first", async () => {
    await processes.beat("late", { ...beat, startedAt: new Date(1_900_000_000_000) });
    await processes.beat("early", beat);
    await processes.beat("silent", beat);
    await silence("silent", 60_000);
    const within = async (ms: number) => (await processes.seen(ms)).map(({ _id }) => _id);
    expect(await within(30_000)).to.deep.equal(["early", "late"]);
    expect(await within(90_000)).to.deep.equal(["early", "silent", "late"]);
  });

  it("forgets who was silent for long, and nobody else", async () => {
    for (const owner of ["gone", "here"]) await processes.beat(owner, beat);
    await silence("gone", HOUR_MS + 1);
    await processes.forget(HOUR_MS);
    expect((await processes.seen(2 * HOUR_MS)).map(({ _id }) => _id)).to.deep.equal(["here"]);
  });

  it("who leaves is not seen any more", async () => {
    await processes.beat("one", beat);
    await processes.leave("one");
    expect(await processes.seen(HOUR_MS)).to.deep.equal([]);
  });
});
