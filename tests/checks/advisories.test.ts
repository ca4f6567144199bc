import { expect } from "chai";
import { judgeAdvisories } from "../../checks/advisories.mjs";

const NOW = new Date("2026-11-28T12:00:00Z");
const ID = "GHSA-aaaa-bbbb-cccc";
const REPORT = {
  auditReportVersion: 2,
  vulnerabilities: {
    inner: {
      via: [{ url: `https://github.com/advisories/${ID}`, severity: "high", title: "a flaw", name: "inner" }],
    },
    // A package that depends on it names it, and has no advisory of its own.
    outer: { via: ["inner"] },
  },
};
const wrongOf = (report: unknown, accepted: { id: string; until: string; why: string }[], now = NOW) => {
  const judgment = judgeAdvisories(report, accepted, now);
  return judgment.kind === "judged" ? judgment.wrong : [judgment.kind, judgment.why];
};

describe("the advisories about packages of production", () => {
  it("one that is not accepted is named, once", () => {
    expect(wrongOf(REPORT, [])).to.deep.equal([`${ID} (high) in inner: a flaw`]);
    expect(wrongOf({ vulnerabilities: {} }, [])).to.deep.equal([]);
  });

  it("one is accepted up to its last day, and not after it", () => {
    const accepted = [{ id: ID, until: "2026-11-28", why: "that code is not called" }];
    expect(wrongOf(REPORT, accepted)).to.deep.equal([]);
    expect(wrongOf(REPORT, accepted, new Date("2026-11-29T00:00:00Z"))).to.deep.equal([
      `${ID} in inner: it was accepted until 2026-11-28`,
    ]);
  });

  it("an entry that is malformed, or of an advisory that is gone, is wrong", () => {
    expect(wrongOf({ vulnerabilities: {} }, [{ id: "CVE-1", until: "soon", why: " " }])).to.deep.equal([
      "advisories.json: CVE-1 is no id such as GHSA-xxxx-xxxx-xxxx",
      "advisories.json: CVE-1: until must be a day, YYYY-MM-DD",
      "advisories.json: CVE-1: why must not be empty",
      "advisories.json: CVE-1 is not found any more: remove it",
    ]);
  });

  it("a registry without advisories judges nothing", () => {
    expect(wrongOf({ message: "405 Method Not Allowed" }, [])).to.deep.equal([
      "not-judged",
      "405 Method Not Allowed",
    ]);
    expect(wrongOf(undefined, [])).to.deep.equal(["not-judged", "npm printed no report"]);
  });
});
