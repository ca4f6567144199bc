import { expect } from "chai";
import { firstSpelling, spellingDifference, spellingsOf } from "../../operator/spellings.ts";

const composed = "홍길동";
const decomposed = composed.normalize("NFD");

class NotFound extends Error {}
const isNotFound = (error: unknown): boolean => error instanceof NotFound;

describe("cli: spellings of a key", () => {
  it("the one that was given comes first, and is mostly the only one", () => {
    expect(spellingsOf("alice")).to.deep.equal(["alice"]);
    expect(spellingsOf(decomposed)).to.deep.equal([decomposed, composed]);
    expect(spellingsOf(" a b\t")).to.deep.equal([" a b\t", "a b", "ab"]);
    expect(spellingsOf(" ")).to.deep.equal([" "]);
    expect(spellingsOf(` ${composed} ${decomposed}`)).to.have.length.within(2, 9);
  });

  it("stops at the first that is found", async () => {
    const looked: string[] = [];
    const found = await firstSpelling(` ${decomposed}`, isNotFound, async (spelling) => {
      looked.push(spelling);
      if (spelling !== composed) throw new NotFound(spelling);
      return 7;
    });
    expect(found).to.deep.equal({ answer: 7, spelling: composed });
    expect(looked[0]).to.equal(` ${decomposed}`);
    expect(looked.at(-1)).to.equal(composed);
  });

  it("where none is found, it is the key as given that was not; what a guess does wrong is nothing to the operator", async () => {
    const failing = (failures: Record<string, Error>) =>
      firstSpelling("a b", isNotFound, async (spelling) => {
        throw failures[spelling] ?? new NotFound(spelling);
      }).catch((error: unknown) => error);
    expect(await failing({}))
      .to.be.instanceOf(NotFound)
      .and.have.property("message", "a b");
    const denied = new Error("denied");
    expect(await failing({ "a b": denied })).to.equal(denied);
    expect(await failing({ ab: new Error("no valid key") })).to.be.instanceOf(NotFound);
  });

  it("says how two that look the same differ", () => {
    expect(spellingDifference(decomposed, composed)).to.equal("the same text in another Unicode form");
    expect(spellingDifference("a b ", "ab")).to.equal("with other spaces");
    expect(spellingDifference(` ${decomposed}`, composed)).to.equal(
      "with other spaces and in another Unicode form",
    );
  });
});
