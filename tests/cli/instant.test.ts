import { expect } from "chai";
import fc from "fast-check";
import { isRelative, parseInstant } from "../../cli/instant.ts";
import { UserError } from "../../cli/user-error.ts";
import { instantsOfWallTime } from "../../cli/wall-time.ts";
import { canonicalZone, rfc3339In } from "../../cli/zone.ts";

const nowMs = Date.UTC(2026, 0, 1);
const wallOf = (epochMs: number, zone: string): string => rfc3339In(epochMs, zone).slice(0, 23);
const parse = (text: string): number => parseInstant(text, nowMs, "--start").epochMs;

const zones = [
  "UTC",
  "Asia/Seoul",
  "America/New_York",
  "Europe/Berlin",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Pacific/Apia",
  "America/St_Johns",
];

describe("cli instants", () => {
  const evening = Date.UTC(2026, 11, 24, 11, 0, 0);
  const given: [text: string, epochMs: number][] = [
    ["2026-12-24T11:00:00Z", evening],
    ["2026-12-24t11:00:00z", evening],
    ["2026-12-24T20:00:00+09:00", evening],
    ["2026-12-24 20:00+09:00", evening],
    ["2026-12-24T06:00:00.000-05:00", evening],
    ["2026-12-24 20:00 Asia/Seoul", evening],
    ["2026-12-24 20:00:00 asia/seoul", evening],
    ["2026-12-24T11:00 UTC", evening],
    [" 2026-12-24T11:00:00Z ", evening],
    ["2026-12-24T11:00:00.5Z", evening + 500],
    ["2026-12-24T11:00:00.000000001Z", evening + 1],
    ["2026-12-24T11:00:00.999000001Z", evening + 1000],
    ["2028-02-29T00:00:00Z", Date.UTC(2028, 1, 29)],
    ["now", nowMs],
    ["+5s", nowMs + 5_000],
    ["+250ms", nowMs + 250],
    ["+10m", nowMs + 600_000],
    ["+2h", nowMs + 7_200_000],
    ["+1d", nowMs + 86_400_000],
    ["+1h30m", nowMs + 5_400_000],
    ["2026-07-01 12:00 America/New_York", Date.UTC(2026, 6, 1, 16)],
    // The clocks there change by half an hour, and have already changed.
    ["2026-04-05 02:00 Australia/Lord_Howe", Date.UTC(2026, 3, 4, 15, 30)],
  ];
  for (const [text, epochMs] of given) {
    it(`takes "${text}"`, () => {
      expect(parse(text)).to.equal(epochMs);
    });
  }

  const refused: [text: string, why: RegExp][] = [
    ["tomorrow", /not an instant/],
    ["", /not an instant/],
    ["1766574000", /not an instant/],
    ["2026-12-24", /not an instant/],
    ["2026-12-24T20:00:00", /names no time zone/],
    ["2026-12-24 20:00", /names no time zone/],
    ["2026-02-29T00:00:00Z", /calendar/],
    ["2026-13-01T00:00:00Z", /calendar/],
    ["2026-12-24T24:00:00Z", /calendar/],
    ["2026-12-24T23:59:60Z", /calendar/],
    ["0026-12-24T00:00:00Z", /calendar/],
    ["2026-12-24T20:00:00+24:00", /offset/],
    ["2026-12-24 20:00 KST", /not a time zone name/],
    ["2026-12-24 20:00 EST", /not a time zone name/],
    ["2026-12-24 20:00 Asia/Soul", /not a time zone name/],
    ["2026-03-08 02:30 America/New_York", /never happens/],
    ["2026-03-29 02:00 Europe/Berlin", /never happens/],
    ["2011-12-30 12:00 Pacific/Apia", /never happens/],
    ["2026-11-01 01:30 America/New_York", /happens twice/],
    ["2026-04-05 01:45 Australia/Lord_Howe", /happens twice/],
    ["2026-10-04 02:15 Australia/Lord_Howe", /never happens/],
    ["+", /duration/],
    ["+5", /duration/],
    ["+1.5h", /duration/],
    ["+5s10m", /duration/],
    ["-5s", /not an instant/],
  ];
  for (const [text, why] of refused) {
    it(`refuses "${text}"`, () => {
      expect(() => parse(text)).to.throw(UserError, why);
    });
  }

  it("offers both instants where the clocks go back, and takes them", () => {
    let hint = "";
    try {
      parse("2026-11-01 01:30 America/New_York");
    } catch (error) {
      hint = error instanceof UserError ? error.hint : "";
    }
    expect(hint).to.equal("give 2026-11-01T01:30:00.000-04:00 or 2026-11-01T01:30:00.000-05:00");
    expect(parse("2026-11-01T01:30:00.000-05:00") - parse("2026-11-01T01:30:00.000-04:00")).to.equal(
      3_600_000,
    );
  });

  it("names the zone the operator named, in its canonical spelling", () => {
    expect(parseInstant("2026-12-24 20:00 asia/seoul", 0, "--start").zone).to.equal("Asia/Seoul");
    expect(parseInstant("2026-12-24T11:00:00Z", 0, "--start").zone).to.equal(undefined);
    expect(canonicalZone("constructor/x")).to.equal(undefined);
  });

  it("knows what needs the server's clock", () => {
    expect(["now", "+5s"].every(isRelative)).to.equal(true);
    expect(isRelative("2026-12-24T11:00:00Z")).to.equal(false);
  });

  it("shows an instant without what is finer than a millisecond", () => {
    expect(rfc3339In(evening + 0.7, "Asia/Seoul")).to.equal("2026-12-24T20:00:00.000+09:00");
  });

  const instants = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2060, 0, 1) });

  it("reads back every instant it writes, in any zone", () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...zones), (epochMs, zone) => {
        expect(parse(rfc3339In(epochMs, zone))).to.equal(epochMs);
      }),
    );
  });

  it("a wall time in a zone means that instant, unless it happens twice", () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...zones), (epochMs, zone) => {
        const wall = wallOf(epochMs, zone);
        const meant = instantsOfWallTime(Date.parse(`${wall}Z`), zone);
        expect(meant).to.include(epochMs);
        for (const candidate of meant) expect(wallOf(candidate, zone)).to.equal(wall);
      }),
    );
  });

  it("never answers with NaN, whatever it is given", () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[-+0-9TZ: .dhms]{1,30}$/));
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(Number.isInteger(parse(text))).to.equal(true);
        } catch (error) {
          expect(error).to.be.instanceOf(UserError);
        }
      }),
    );
  });
});
