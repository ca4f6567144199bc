import { expect } from "chai";
import { retryAfterMs } from "../../../events/sinks/retry-after.ts";

const NOW_MS = Date.parse("2030-01-01T00:00:00Z");

describe("retry-after", () => {
  const CASES: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["Tue, 01 Jan 2030 00:01:00 GMT", 60_000],
    ["Mon, 31 Dec 2029 23:59:00 GMT", 0],
    ["Tuesday, 01-Jan-30 00:00:10 GMT", 10_000],
    ["", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["12345678901", undefined],
    ["2030-01-01", undefined],
  ];
  for (const [field, ms] of CASES)
    it(`${field} is ${ms} ms`, () => expect(retryAfterMs(field, NOW_MS)).to.equal(ms));
});
