import { expect } from "chai";
import { cellsOf } from "../../cli/console/cells.ts";
import { run } from "../../cli/run.ts";
import { commands } from "../../cli/vocabulary.ts";
import { filled, wrapped } from "../../cli/wrap.ts";
import { standInTerminal } from "../support/stand-in-terminal.ts";

describe("cli wrapping", () => {
  it("fills lines with words, counting Hangul as two cells, and breaks no word", () => {
    expect(filled("one two\nthree four", 9, "")).to.equal("one two\nthree\nfour");
    expect(filled("가나 다라 마", 9, "  ")).to.equal("가나 다라\n  마");
    expect(filled("a aVeryLongWordIndeed b", 5, "")).to.equal("a\naVeryLongWordIndeed\nb");
  });

  it("leaves paragraphs and what is set off", () => {
    expect(wrapped("one two three\n\n  {\n    kept   as it is\n  }\n\nfour five", 9)).to.equal(
      "one two\nthree\n\n  {\n    kept   as it is\n  }\n\nfour five",
    );
  });

  for (const columns of [80, 100, 140]) {
    it(`the prose of all help fits ${columns} columns`, async () => {
      for (const verb of ["", ...commands.map(({ name }) => name)]) {
        const [stdin, stdout, stderr] = [
          standInTerminal(),
          standInTerminal(columns),
          standInTerminal(columns),
        ];
        const args = [...(verb === "" ? [] : [verb]), "--help"];
        const signal = new AbortController().signal;
        expect(await run({ args, env: {}, stdin, stdout, stderr, signal })).to.equal(0);
        // Examples are commands, to be copied whole; the contents of a file stay unchanged.
        const prose = stdout
          .shown()
          .replace(/^Examples:\n( {2}.*\n)+/m, "")
          .replace(/^ {2,}["{}].*$/gm, "");
        const tooWide = prose.split("\n").filter((line) => cellsOf(line) > columns);
        expect(tooWide, verb).to.deep.equal([]);
      }
    });
  }
});
