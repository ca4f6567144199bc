import { expect } from "chai";
import fc from "fast-check";
import { SYMBOLS } from "../../../codes/alphabet.ts";
import { normaliseCode } from "../../../codes/normalise-code.ts";
import { checkTyped, readTyped } from "../../../web/launch/code-check.ts";

const CODE = "예송탐니빈즈7550";
const code = fc
  .array(fc.constantFrom(...SYMBOLS), { minLength: 4, maxLength: 10 })
  .map((all) => all.join(""));
const separator = fc.constantFrom("", " ", "-", "–", "\u00ad", "\u200b", "　", "\t", "−");

describe("the check of a code that is typed back", () => {
  it("reads what was typed as the service does, in any form", () => {
    fc.assert(
      fc.property(
        code,
        fc.array(separator, { minLength: 11, maxLength: 11 }),
        fc.boolean(),
        (made, between, isNfd) => {
          const spaced = [...made].map((one, i) => one + between[i]).join("");
          const typed = isNfd ? spaced.normalize("NFD") : spaced;
          expect(readTyped(typed)).to.equal(made);
          expect(normaliseCode(typed)).to.deep.equal({ ok: true, code: readTyped(typed) });
          expect(checkTyped(made, typed)).to.deep.equal({ kind: "right" });
        },
      ),
    );
    expect(readTyped("예송탐니빈즈７５５０")).to.equal(CODE);
  });

  it("names the first character that differs, and takes no look-alike for the right one", () => {
    expect(checkTyped(CODE, "예송탐니빈즈7551")).to.deep.equal({ kind: "wrong", at: 10 });
    expect(checkTyped(CODE, "얘송")).to.deep.equal({ kind: "wrong", at: 1 });
    expect(checkTyped(CODE, "예송탐니빈즈755O")).to.deep.equal({ kind: "wrong", at: 10 });
    expect(checkTyped(CODE, `${CODE}0`)).to.deep.equal({ kind: "wrong", at: 11 });
    fc.assert(
      fc.property(code, code, (made, other) => {
        expect(checkTyped(made, other).kind === "right").to.equal(made === other);
      }),
    );
  });

  it("judges no character that an input method still composes", () => {
    expect(checkTyped(CODE, "예송타", true)).to.deep.equal({ kind: "unfinished", typed: 2, length: 10 });
    expect(checkTyped(CODE, "예송타", false)).to.deep.equal({ kind: "wrong", at: 3 });
    expect(checkTyped(CODE, "ㅇ", true)).to.deep.equal({ kind: "unfinished", typed: 0, length: 10 });
    expect(checkTyped(CODE, " - ", false)).to.deep.equal({ kind: "empty" });
    expect(checkTyped(CODE, CODE, true)).to.deep.equal({ kind: "right" });
  });
});
