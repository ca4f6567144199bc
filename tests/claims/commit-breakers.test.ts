import { expect } from "chai";
import { MongoNetworkError } from "mongodb";
import { type CommitBreakers, createCommitBreakers } from "../../claims/commit-breakers.ts";
import { UncertainInsert } from "../../record/unordered-insert.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { silentLogger } from "../support/shared-stores.ts";

const STALL_MS = 1_000;
const PROBE_EVERY_MS = 250;
/** Longer than any campaign rests between two trials. */
const LATER_MS = 2 * PROBE_EVERY_MS;
const REFUSED_BY_MONGODB = new UncertainInsert("insert into issuances: no such document", [121]);

/** Resolves when all callbacks that the fake clock has started have run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the breakers of commits", () => {
  function made() {
    const clock = fakeClock();
    const opened: (string | undefined)[] = [];
    let [probes, answers] = [0, true];
    const breakers = createCommitBreakers({
      ...{ clock, logger: silentLogger, stallMs: STALL_MS },
      probe() {
        probes++;
        return answers ? Promise.resolve() : new Promise(() => undefined);
      },
      onOpen: (campaignId) => void opened.push(campaignId),
    });
    return {
      ...{ clock, breakers, opened },
      probes: () => probes,
      answer: (does: boolean) => {
        answers = does;
      },
      async pass(ms: number) {
        clock.pass(ms);
        await settled();
      },
    };
  }
  const admissions = (breakers: CommitBreakers, ...campaigns: string[]) =>
    campaigns.map((campaign) => breakers.admit(campaign));

  it("a campaign whose insert hangs is refused alone, where MongoDB answers the probe; its next claim is a trial", async () => {
    const { breakers, opened, pass, probes } = made();
    breakers.begin("A");
    await pass(2 * STALL_MS);
    expect(opened).to.deep.equal(["A"]);
    expect(admissions(breakers, "B", "A")).to.deep.equal(["go", "refuse"]);
    await pass(0);
    expect([breakers.holdsBack(), breakers.state("B")]).to.deep.equal([false, "closed"]);
    expect(admissions(breakers, "B", "A", "A", "B")).to.deep.equal(["go", "trial", "refuse", "go"]);
    expect(probes()).to.equal(1);
    breakers.begin("A")();
    expect(admissions(breakers, "A", "A")).to.deep.equal(["go", "go"]);
  });

  it("a document that MongoDB does not take stops its campaign, not the others", async () => {
    const { breakers, pass } = made();
    breakers.begin("B")();
    breakers.begin("A")(REFUSED_BY_MONGODB);
    expect(admissions(breakers, "A", "B")).to.deep.equal(["refuse", "go"]);
    await pass(0);
    expect(admissions(breakers, "A", "A", "B")).to.deep.equal(["trial", "refuse", "go"]);
    breakers.begin("A")(REFUSED_BY_MONGODB);
    expect(admissions(breakers, "A", "B")).to.deep.equal(["refuse", "go"]);
  });

  it("where the probe has no answer either, all are refused, those too that did not ask yet; one durable insert lets all in", async () => {
    const { breakers, opened, pass, answer } = made();
    answer(false);
    breakers.begin("A");
    await pass(2 * STALL_MS);
    expect(admissions(breakers, "A", "B")).to.deep.equal(["refuse", "go"]);
    await pass(2 * STALL_MS);
    expect(opened).to.deep.equal(["A", undefined]);
    expect([breakers.holdsBack(), breakers.state("B"), ...admissions(breakers, "B", "A")]).to.deep.equal([
      true,
      "open",
      "refuse",
      "refuse",
    ]);
    answer(true);
    await pass(2 * STALL_MS);
    admissions(breakers, "A", "B");
    await pass(LATER_MS);
    expect(admissions(breakers, "B", "B", "C")).to.deep.equal(["trial", "refuse", "refuse"]);
    breakers.begin("B")();
    expect(admissions(breakers, "A", "B", "C")).to.deep.equal(["go", "go", "go"]);
  });

  it("a connection that is lost is all campaigns' trouble, unless MongoDB has answered since", () => {
    const { breakers } = made();
    const late = breakers.begin("A");
    breakers.begin("B")();
    late(new MongoNetworkError("connection closed"));
    expect(admissions(breakers, "A", "B")).to.deep.equal(["refuse", "go"]);
    breakers.begin("B")(new MongoNetworkError("connection closed"));
    expect(admissions(breakers, "A", "B", "C")).to.deep.equal(["refuse", "refuse", "refuse"]);
  });

  it("a campaign that stalled before, and that nobody asks for any more, makes no second one", async () => {
    const { breakers, opened, pass } = made();
    breakers.begin("A");
    await pass(2 * STALL_MS);
    admissions(breakers, "A");
    await pass(0);
    await pass(10 * STALL_MS);
    expect(breakers.state("A")).to.equal("half-open");
    breakers.begin("B");
    await pass(2 * STALL_MS);
    expect([opened, breakers.holdsBack()]).to.deep.equal([["A", "B"], false]);
  });

  it("a second campaign that stalls: all are refused, unless the commits of others are answered meanwhile", async () => {
    for (const isAnswered of [false, true]) {
      const { breakers, pass } = made();
      breakers.begin("A");
      await pass(STALL_MS / 2);
      breakers.begin("B");
      await pass(STALL_MS);
      if (isAnswered) breakers.begin("C")();
      await pass(STALL_MS / 2);
      admissions(breakers, "D");
      await pass(0);
      const expected = isAnswered ? ["go", "go"] : ["trial", "refuse"];
      expect(admissions(breakers, "D", "E"), `others answered: ${isAnswered}`).to.deep.equal(expected);
    }
  });

  it("while all are let through one by one, a campaign whose trial hangs takes none from others", async () => {
    const { breakers, pass } = made();
    for (const campaign of ["A", "B"]) breakers.begin(campaign);
    await pass(2 * STALL_MS);
    admissions(breakers, "A");
    await pass(LATER_MS);
    expect(admissions(breakers, "A", "C")).to.deep.equal(["trial", "refuse"]);
    const trials: string[] = [];
    const hang = () => breakers.begin("A");
    hang();
    // Both ask all the time, the campaign whose commits hang first.
    for (let tries = 0; tries < 40 && trials.length < 2; tries++) {
      await pass(PROBE_EVERY_MS);
      for (const campaign of ["A", "C"])
        if (trials.length < 2 && breakers.admit(campaign) === "trial") {
          trials.push(campaign);
          if (campaign === "A") hang();
          else breakers.begin("C")();
        }
    }
    expect(trials[0]).to.equal("C");
    expect(admissions(breakers, "C", "D")).to.deep.equal(["go", "go"]);
  });

  it("no timer and no probe is left behind", async () => {
    const { breakers, clock, pass, probes } = made();
    const ends = ["A", "B"].map((campaign) => breakers.begin(campaign));
    for (const end of ends) end();
    await pass(10 * STALL_MS);
    expect([clock.waiting(), probes()]).to.deep.equal([[], 0]);
  });
});
