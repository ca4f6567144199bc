import { expect } from "chai";
import fc from "fast-check";
import { instantsOfWallTime as byTemporal } from "../../cli/wall-time.ts";
import { instantsOfWallTime } from "../../web/console/time/zones.ts";

const ZONES = [
  ...["UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "America/St_Johns"],
  ...["Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Kiritimati", "Africa/Casablanca"],
];

describe("the console's instants of a wall time", () => {
  it("are one, none in a gap, two where the clocks go back", () => {
    const at = (wall: string) =>
      instantsOfWallTime(Date.parse(`${wall}Z`), "Europe/Berlin").map((ms) => new Date(ms).toISOString());
    expect(at("2026-12-24T20:00:00")).to.deep.equal(["2026-12-24T19:00:00.000Z"]);
    expect(at("2026-03-29T02:30:00")).to.deep.equal([]);
    expect(at("2026-10-25T02:30:00")).to.deep.equal(["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]);
  });

  it("are those of the command", () => {
    const minutes = fc.integer({ min: 0, max: 40 * 366 * 1_440 });
    const base = Date.UTC(2005, 0, 1);
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), minutes, (zone, minute) => {
        const wallMs = base + minute * 60_000;
        expect(instantsOfWallTime(wallMs, zone)).to.deep.equal(byTemporal(wallMs, zone));
      }),
      { numRuns: 400 },
    );
    // The hours around each change of the clocks, which a random instant seldom meets.
    for (const zone of ZONES)
      for (const day of changesOf(zone, 2026))
        for (let wallMs = day - 30 * 3_600_000; wallMs < day + 30 * 3_600_000; wallMs += 900_000)
          expect(instantsOfWallTime(wallMs, zone), `${zone} ${wallMs}`).to.deep.equal(
            byTemporal(wallMs, zone),
          );
  });
});

/** The days of the year at whose begin in UTC the zone's offset is another one than a day before. */
function changesOf(zone: string, year: number): number[] {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  const offsetAt = (ms: number) =>
    format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value;
  const days = Array.from({ length: 365 }, (_, day) => Date.UTC(year, 0, 1 + day));
  return days.filter((ms) => offsetAt(ms) !== offsetAt(ms - 86_400_000));
}
