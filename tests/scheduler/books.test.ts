import { expect } from "chai";
import type { Inspection } from "../../pool/answers.ts";
import { compareBooks, createBooksWatch } from "../../scheduler/books.ts";

const pool: Inspection = {
  status: "ok",
  generation: 2,
  state: "open",
  stagedCodes: 0,
  openCodes: 6,
  awayCodes: 0,
  total: 10,
  claims: 4,
  ledger: 0,
  armedAtMs: 1,
  startsAtMs: 1,
  endsAtMs: 0,
  redisNowMs: 2,
};

const SETTLE_MS = 10_000;

describe("the books watch", () => {
  it("is due once, when inserts from before a rebuild that was first seen have ended", () => {
    const watch = createBooksWatch(SETTLE_MS);
    expect(watch.due("c", pool, 0)).to.equal(false);
    expect(watch.due("c", pool, 9_999)).to.equal(false);
    expect(watch.due("c", pool, 10_000)).to.equal(true);
    watch.done("c", 2);
    expect(watch.due("c", pool, 20_000)).to.equal(false);
    expect(watch.due("c", { ...pool, generation: 3 }, 20_000)).to.equal(false);
    expect(watch.due("c", { ...pool, generation: 3 }, 30_000)).to.equal(true);
  });

  it("leaves the first load, a pool that does not answer and one with claims under way alone", () => {
    const watch = createBooksWatch(SETTLE_MS);
    for (const other of [{ generation: 1 }, { status: "fenced" as const }, { status: "none" as const }]) {
      watch.due("c", { ...pool, ...other }, 0);
      expect(watch.due("c", { ...pool, ...other }, 60_000)).to.equal(false);
    }
    watch.due("d", pool, 0);
    expect(watch.due("d", { ...pool, ledger: 1 }, 60_000)).to.equal(false);
    expect(watch.due("d", pool, 60_000)).to.equal(true);
  });

  it("a comparison of an older generation does not count for a newer one", () => {
    const watch = createBooksWatch(SETTLE_MS);
    watch.due("c", { ...pool, generation: 3 }, 0);
    watch.done("c", 2);
    expect(watch.due("c", { ...pool, generation: 3 }, 60_000)).to.equal(true);
  });
});

describe("comparing the books", () => {
  it("agree when claims are the issuances and the rest is in the pool", () => {
    expect(compareBooks(10, 4, pool, pool)).to.equal("agree");
    expect(compareBooks(10, 4, pool, { ...pool, state: "staged", stagedCodes: 6, openCodes: 0 })).to.equal(
      "agree",
    );
  });

  it("differ when an issuance is unknown to the pool, or a code is missing or too many", () => {
    expect(compareBooks(10, 5, pool, pool)).to.equal("differ");
    expect(compareBooks(10, 3, pool, pool)).to.equal("differ");
    expect(compareBooks(10, 4, pool, { ...pool, openCodes: 5 })).to.equal("differ");
    expect(compareBooks(10, 4, pool, { ...pool, openCodes: 7 })).to.equal("differ");
  });

  it("says nothing while something is under way", () => {
    expect(compareBooks(10, 5, pool, { ...pool, claims: 5 })).to.equal("busy");
    expect(compareBooks(10, 5, { ...pool, ledger: 1 }, pool)).to.equal("busy");
    expect(compareBooks(10, 5, pool, { ...pool, ledger: 1 })).to.equal("busy");
    expect(compareBooks(10, 5, pool, { ...pool, generation: 3 })).to.equal("busy");
    expect(compareBooks(10, 5, pool, { ...pool, status: "fenced" })).to.equal("busy");
  });
});
