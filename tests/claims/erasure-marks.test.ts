import { expect } from "chai";
import { MARKS_EVERY_MS, MARKS_KNOWN_FOR_MS } from "../../campaign/erasure/mark-times.ts";
import { createPseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { createErasureMarks } from "../../claims/erasure-marks.ts";
import type { ErasedCampaign } from "../../record/campaigns.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";

const KEY = "the key of pseudonyms, as long as it has to be";

describe("marks of erasures", () => {
  const pseudonyms = createPseudonyms(KEY);
  let clock: FakeClock;
  let marked: ErasedCampaign[];
  let fails: boolean;

  beforeEach(() => {
    clock = fakeClock();
    marked = [];
    fails = false;
  });

  function create(has = true) {
    const campaigns = {
      async erasedSince(since: Date, after: ErasedCampaign | undefined, limit: number) {
        if (fails) throw new Error("MongoDB does not answer");
        const later = marked.filter(({ erasure }) => erasure.at >= (after?.erasure.at ?? since));
        return later.filter(({ _id }) => _id !== after?._id).slice(0, limit);
      },
    };
    const logger = silentLogger;
    return createErasureMarks({ campaigns, clock, logger, pseudonyms: has ? pseudonyms : undefined });
  }

  const mark = (id: string, atMs: number, key = pseudonyms.fingerprint) => {
    marked = [
      ...marked.filter(({ _id }) => _id !== id),
      { _id: id, erasure: { key, at: new Date(atMs) } },
    ].sort((a, b) => a.erasure.at.getTime() - b.erasure.at.getTime());
  };
  /** Lets timers fire, and what they began end. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= MARKS_EVERY_MS) {
      clock.pass(Math.min(left, MARKS_EVERY_MS));
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
  }

  it("are known from the start, and a second after they were set", async () => {
    mark("A", 1_000);
    const marks = create();
    await marks.start();
    expect(marks.demanded("A")).to.equal(pseudonyms);
    expect(marks.demanded("B")).to.equal(undefined);
    expect(marks.pseudonymOf("B", "kim")).to.equal(undefined);
    mark("B", 2_000);
    await pass(MARKS_EVERY_MS);
    expect(marks.demanded("B")).to.equal(pseudonyms);
    expect(marks.pseudonymOf("B", "kim")).to.equal(pseudonyms.of("B", "kim"));
    await marks.stop();
  });

  it("where MongoDB does not answer for so long, every campaign counts as marked; and no longer after that", async () => {
    const marks = create();
    await marks.start();
    fails = true;
    await pass(MARKS_KNOWN_FOR_MS - MARKS_EVERY_MS);
    expect(marks.demanded("A")).to.equal(undefined);
    await pass(MARKS_EVERY_MS);
    expect(marks.demanded("A")).to.equal(pseudonyms);
    fails = false;
    await pass(MARKS_EVERY_MS);
    expect(marks.demanded("A")).to.equal(undefined);
    await marks.stop();
  });

  it("each erasure is told once, also one that is dated before the newest, or dated again", async () => {
    const marks = create();
    const told: string[] = [];
    marks.onErased((id) => told.push(id));
    mark("A", 10_000);
    await marks.start();
    expect(told).to.deep.equal(["A"]);
    mark("B", 9_000);
    await pass(MARKS_EVERY_MS);
    await pass(MARKS_EVERY_MS);
    expect(told).to.deep.equal(["A", "B"]);
    mark("A", 12_000);
    await pass(MARKS_EVERY_MS);
    expect(told).to.deep.equal(["A", "B", "A"]);
    await marks.stop();
  });

  it("of another key, or without one: demanding is an error that names the setting, a look is not", async () => {
    mark("A", 1_000, "another key");
    for (const has of [true, false]) {
      const marks = create(has);
      await marks.start();
      expect(() => marks.demanded("A")).to.throw(/set ERASURE_KEY/);
      expect(() => marks.pseudonymOf("A", "kim")).to.not.throw();
      expect(marks.demanded("B")).to.equal(undefined);
      await marks.stop();
    }
  });

  it("one that a pool told is heeded at once", async () => {
    const marks = create();
    await marks.start();
    marks.note("A", pseudonyms.fingerprint);
    expect(marks.demanded("A")).to.equal(pseudonyms);
    await marks.stop();
  });
});

describe("pseudonyms", () => {
  const one = createPseudonyms(KEY);

  it("are the same for the same key, campaign and id, and differ with each of them", () => {
    const same = createPseudonyms(KEY);
    expect(one.of("A", "kim")).to.equal(same.of("A", "kim"));
    const others = [
      one.of("B", "kim"),
      one.of("A", "kin"),
      createPseudonyms(`${KEY}!`).of("A", "kim"),
      one.of("A\0kim", ""),
    ];
    expect(new Set([one.of("A", "kim"), ...others]).size).to.equal(others.length + 1);
    expect(one.fingerprint).to.equal(same.fingerprint);
    expect(one.fingerprint).to.match(/^[\w-]{12}$/);
  });

  it("of a pseudonym are that pseudonym: an erasure may be repeated", () => {
    const key = one.ofClaimKey("A", "kim\u001frequest");
    expect(one.ofClaimKey("A", key)).to.equal(key);
    expect(key).to.equal(`${one.of("A", "kim")}\u001f${one.of("A", "request")}`);
    expect(key).to.not.include("kim").and.not.include("request");
  });
});
