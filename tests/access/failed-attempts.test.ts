import { expect } from "chai";
import { createFailedAttempts, type FailedAttempts } from "../../access/failed-attempts.ts";
import { createRefusalLog } from "../../access/refusal-log.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const [SHORT, LONG] = ["Bearer a-token-of-20-chars", `Bearer ${"k".repeat(32)}`];
/** As docs/security.md says. */
const FREE = 19;

describe("wrong credentials of operators", () => {
  let clock: FakeClock;
  let attempts: FailedAttempts;
  beforeEach(() => {
    clock = fakeClock();
    attempts = createFailedAttempts(clock);
  });

  const fail = (source: string, times: number) => {
    let waitMs = 0;
    for (let n = 0; n < times; n++) waitMs = attempts.failed(source);
    return waitMs;
  };

  it("a few are free", () => {
    expect(fail("a", FREE)).to.equal(0);
    expect(attempts.waitMs("a", SHORT)).to.equal(0);
    expect(attempts.failed("a")).to.equal(1_000);
    expect(attempts.waitMs("a", SHORT)).to.equal(1_000);
  });

  it("then each takes longer than the one before, up to a minute", () => {
    const waits = [fail("a", FREE + 1)];
    for (let n = 0; n < 12; n++) {
      clock.pass(waits.at(-1) ?? 0);
      expect(attempts.waitMs("a", SHORT), "after the wait one is compared").to.equal(0);
      waits.push(attempts.failed("a"));
    }
    expect(waits.slice(0, 6)).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
    expect(new Set(waits.slice(8))).to.deep.equal(new Set([60_000]));
  });

  it("what comes during the wait makes it no longer", () => {
    fail("a", FREE + 1);
    clock.pass(400);
    expect(fail("a", 1_000)).to.equal(600);
    clock.pass(600);
    expect(attempts.waitMs("a", SHORT)).to.equal(0);
    expect(attempts.failed("a")).to.equal(2_000);
  });

  it("they are forgotten with time", () => {
    fail("a", FREE + 1);
    clock.pass(3_600_000);
    expect(fail("a", FREE)).to.equal(0);
  });

  it("no other source waits for them", () => {
    fail("a", 1_000);
    expect([attempts.waitMs("b", SHORT), attempts.failed("b")]).to.deep.equal([0, 0]);
  });

  it("a credential that nobody can guess is compared all the time, one that can be is not", () => {
    fail("a", FREE + 1);
    expect(attempts.waitMs("a", LONG)).to.equal(0);
    expect(attempts.waitMs("a", undefined), "no credential is no guess").to.equal(0);
    const guesses = [SHORT, LONG.slice(0, -1), "", "Bearer", LONG.slice(7), `${LONG} x`];
    for (const guess of guesses) expect(attempts.waitMs("a", guess), guess).to.equal(1_000);
  });

  it("of ten thousand sources at once the one that failed longest ago is forgotten", () => {
    for (const source of ["first", "second"]) fail(source, FREE + 1);
    clock.pass(1);
    attempts.failed("other");
    for (let n = 0; n < 9_998; n++) attempts.failed(`source-${n}`);
    expect(["first", "second"].map((source) => attempts.waitMs(source, SHORT) > 0)).to.deep.equal([
      false,
      true,
    ]);
  });
});

describe("the log of refused operators' calls", () => {
  const opened = () => {
    const lines: Record<string, unknown>[] = [];
    const clock = fakeClock();
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const tell = createRefusalLog(createLogger({ level: "info", format: "json", destination }), clock);
    return { lines, clock, tell };
  };

  it("one line for a source in a minute; the next minute tells how many had none", () => {
    const { lines, clock, tell } = opened();
    for (let n = 0; n < 500; n++) tell("10.0.0.1", "wrong");
    tell("10.0.0.2", "foreign", { host: "evil.example" });
    clock.pass(60_000);
    tell("10.0.0.1", "limited");
    const told = lines.map(({ level, source, why, host, untold }) => [level, source, why, host, untold]);
    expect(told).to.deep.equal([
      ["warn", "10.0.0.1", "wrong", undefined, undefined],
      ["warn", "10.0.0.2", "foreign", "evil.example", 499],
      ["warn", "10.0.0.1", "limited", undefined, undefined],
    ]);
  });

  it("a hundred lines a minute, however many sources", () => {
    const { lines, clock, tell } = opened();
    for (let n = 0; n < 5_000; n++) tell(`source-${n}`, "wrong");
    expect(lines).to.have.length(100);
    clock.pass(60_000);
    tell("10.0.0.1", "wrong");
    expect(lines.at(-1)).to.include({ source: "10.0.0.1", untold: 4_900 });
  });
});
