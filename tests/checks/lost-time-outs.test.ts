import { expect } from "chai";
import { lostTimeOuts } from "../../checks/lost-time-outs.mjs";

describe("npm run check: no time-out is lost", () => {
  const texts: Readonly<Record<string, string>> = {
    "cli/both.ts": "const late = AbortSignal.timeout(5); AbortSignal.any([signal, late]);",
    "cli/one.ts": "AbortSignal.timeout(5)",
    "cli/other.ts": "AbortSignal.any([signal, draining])",
    "docs/page.md": "AbortSignal.any([AbortSignal.timeout(5)])",
  };

  it("names a file that may hand a time-out to AbortSignal.any()", () => {
    const wrong = lostTimeOuts(Object.keys(texts), (file) => texts[file] ?? "");
    expect(wrong).to.have.lengthOf(1);
    expect(wrong[0]).to.match(/^cli\/both\.ts: .*limited-signal/);
  });
});
