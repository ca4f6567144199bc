import { expect } from "chai";
import { getTasks } from "node-cron";
import { occurrencesOf, zoneOf } from "../../cli/occurrences.ts";

const at = (text: string) => Date.parse(text);

function found(expression: string, zone: string, from: string, until: string, most = 100) {
  const { starts, ...rest } = occurrencesOf({ expression, zone, fromMs: at(from), untilMs: at(until) }, most);
  return { starts: starts.map(({ epochMs }) => new Date(epochMs).toISOString()), ...rest };
}

describe("occurrences of a cron expression", () => {
  it("each day on the clocks of the zone, after the first instant and up to the last", () => {
    const days = found("0 10 * * *", "Asia/Seoul", "2026-12-24T01:00:00Z", "2026-12-27T01:00:00Z");
    expect(days).to.deep.equal({
      starts: ["2026-12-25T01:00:00.000Z", "2026-12-26T01:00:00.000Z", "2026-12-27T01:00:00.000Z"],
      ...{ skipped: [], hasMore: false },
    });
  });

  it("six fields, lists, steps, names of days, the last day of a month and the second Friday", () => {
    const span = ["UTC", "2026-12-01T00:00:00Z", "2027-01-31T23:59:59Z"] as const;
    expect(found("30 0 12 1 12 *", ...span).starts).to.deep.equal(["2026-12-01T12:00:30.000Z"]);
    expect(found("0 9,18 25 12 *", ...span).starts).to.deep.equal([
      "2026-12-25T09:00:00.000Z",
      "2026-12-25T18:00:00.000Z",
    ]);
    expect(found("*/20 9 1 1 *", ...span).starts).to.have.length(3);
    expect(found("0 20 * * fri", ...span).starts.slice(0, 2)).to.deep.equal([
      "2026-12-04T20:00:00.000Z",
      "2026-12-11T20:00:00.000Z",
    ]);
    expect(found("0 8 L * *", ...span).starts).to.deep.equal([
      "2026-12-31T08:00:00.000Z",
      "2027-01-31T08:00:00.000Z",
    ]);
    expect(found("0 8 * * 5#2", ...span).starts).to.deep.equal([
      "2026-12-11T08:00:00.000Z",
      "2027-01-08T08:00:00.000Z",
    ]);
  });

  it("a wall time that the clocks skip has none that day, and is told, not on other days", () => {
    const spring = ["America/New_York", "2027-03-13T00:00:00Z", "2027-03-16T00:00:00Z"] as const;
    expect(found("30 2 * * *", ...spring)).to.deep.equal({
      starts: ["2027-03-13T07:30:00.000Z", "2027-03-15T06:30:00.000Z"],
      ...{ skipped: ["2027-03-14 02:30:00"], hasMore: false },
    });
    expect(found("30 2 * * 1", ...spring).skipped).to.deep.equal([]);
    expect(found("30 2,3 14 3 *", ...spring)).to.deep.include({
      starts: ["2027-03-14T07:30:00.000Z"],
      skipped: ["2027-03-14 02:30:00"],
    });
  });

  it("of a wall time that comes twice the first counts, once", () => {
    const autumn = {
      zone: "America/New_York",
      fromMs: at("2026-10-31T00:00:00Z"),
      untilMs: at("2026-11-02T23:00:00Z"),
    };
    const { starts } = occurrencesOf({ expression: "30 1 * * *", ...autumn }, 100);
    expect(
      starts.map(({ epochMs, isDoubled }) => [new Date(epochMs).toISOString(), isDoubled]),
    ).to.deep.equal([
      ["2026-10-31T05:30:00.000Z", false],
      ["2026-11-01T05:30:00.000Z", true],
      ["2026-11-02T06:30:00.000Z", false],
    ]);
  });

  it("half-hour zones, clocks that are set by half an hour, and midnights that are skipped", () => {
    const lordHowe = found(
      "15 2 * * *",
      "Australia/Lord_Howe",
      "2026-10-03T00:00:00Z",
      "2026-10-05T00:00:00Z",
    );
    expect(lordHowe.skipped).to.deep.equal(["2026-10-04 02:15:00"]);
    const beirut = found("0 0 * * *", "Asia/Beirut", "2027-03-26T00:00:00Z", "2027-03-30T00:00:00Z");
    expect(beirut.skipped).to.deep.equal(["2027-03-28 00:00:00"]);
    expect(
      found("0 6 * * *", "Asia/Kolkata", "2026-12-24T00:00:00Z", "2026-12-24T12:00:00Z").starts,
    ).to.deep.equal(["2026-12-24T00:30:00.000Z"]);
  });

  it("no more than asked for, and says that there are; nothing is left in node-cron's list", () => {
    const many = found("* * * * *", "UTC", "2026-12-24T00:00:00Z", "2027-12-24T00:00:00Z", 5);
    expect([many.starts.length, many.hasMore]).to.deep.equal([5, true]);
    expect(getTasks().size).to.equal(0);
  });

  it("refuses what is no expression, no zone, or too far ahead", () => {
    for (const wrong of ["", "x", "61 * * * *", "0 10 * *", "0 0 30 2 *", "@daily", "0 10 * * * * *"])
      expect(() => found(wrong, "UTC", "2026-12-24T00:00:00Z", "2026-12-25T00:00:00Z"), wrong).to.throw(
        /^--every: ".*" is not an expression of cron: ./,
      );
    expect(() => zoneOf("Mars/Base")).to.throw('--zone: "Mars/Base" is not a time zone name');
    expect(() => found("0 0 * * *", "UTC", "2026-12-24T00:00:00Z", "2036-12-25T00:00:00Z")).to.throw(
      "--until is more than five years ahead",
    );
  });
});
