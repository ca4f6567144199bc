import { expect } from "chai";
import { beginningOf, wellFormed } from "../../runtime/well-formed.ts";

describe("texts without half a character", () => {
  it("a half is replaced, a whole pair stays", () => {
    expect(wellFormed("a\ud800b\udc00😀")).to.equal("a\ufffdb\ufffd😀");
    expect(wellFormed("\udc00\ud800")).to.equal("\ufffd\ufffd");
  });

  it("the beginning of a text ends before a character that would be cut apart", () => {
    expect(beginningOf("ab😀cd", 3)).to.equal("ab");
    expect(beginningOf("ab😀cd", 4)).to.equal("ab😀");
    expect(beginningOf("ab", 4)).to.equal("ab");
  });
});
