import { expect } from "chai";
import fc from "fast-check";
import {
  changedMetadata,
  validMetadata,
  validMetadataChange,
  viewMetadata,
} from "../../campaign/metadata.ts";

const SEED = 1_729;
const key = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,39}$/);
const value = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).map((text) => `=${text}=`);
const some = fc.dictionary(key, value, { maxKeys: 20, noNullPrototype: true });
const rejected = (given: Record<string, string>) => {
  const read = validMetadata("metadata", given);
  return read.ok ? "(valid)" : JSON.stringify(read.refusal);
};

describe("metadata", () => {
  it("is stored by key and read back as it was given, values with an equals sign too (property)", () => {
    fc.assert(
      fc.property(some, (given) => {
        const stored = validMetadata("metadata", given);
        if (!stored.ok) return expect.fail(rejected(given));
        expect(viewMetadata(stored.value)).to.deep.equal(given);
        const keys = stored.value.map((entry) => entry.slice(0, entry.indexOf("=")));
        expect(keys).to.deep.equal([...keys].sort());
      }),
      { seed: SEED },
    );
  });

  it("names what is wrong, and never the value", () => {
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, "v"]));
    for (const [given, words] of [
      [many, "has 21 entries: at most 20"],
      [{ Channel: "app" }, "a key has 1 to 40 characters"],
      [{ "": "app" }, "a key has 1 to 40 characters"],
      [{ __proto: "app" }, "the first a letter or digit"],
      [{ ["k".repeat(41)]: "app" }, "a key has 1 to 40 characters"],
      [{ "a=b": "app" }, "a key has 1 to 40 characters"],
      [{ k: "" }, "metadata.k"],
      [{ k: "secret".repeat(100) }, "has 600 characters"],
      [{ k: "a\u0000b" }, "control character"],
    ] as const) {
      expect(rejected(given), JSON.stringify(given)).to.include(words).and.not.to.include("secret");
    }
    expect(rejected({ k: "가".repeat(500), ["k".repeat(40)]: "v" })).to.equal("(valid)");
  });

  it("is changed by key: entries are added, replaced, removed, and the others stay (property)", () => {
    fc.assert(
      fc.property(some, some, fc.array(key, { maxLength: 5 }), (standing, set, more) => {
        const remove = [...Object.keys(standing).slice(0, 3), ...more].filter(
          (one) => !Object.hasOwn(set, one),
        );
        const [before, change] = [validMetadata("metadata", standing), validMetadataChange(set, remove)];
        if (!before.ok || !change.ok) return expect.fail("a valid change was refused");
        const after = changedMetadata(before.value, change.value ?? { set: [], remove: [] });
        const expected = { ...standing, ...set };
        for (const one of remove) delete expected[one];
        if (Object.keys(expected).length > 20) return void expect(after.ok).to.equal(false);
        if (!after.ok) return expect.fail("a change that fits was refused");
        expect(viewMetadata(after.value.metadata)).to.deep.equal(expected);
        const differs =
          JSON.stringify(Object.entries(expected).sort()) !== JSON.stringify(Object.entries(standing).sort());
        expect(after.value.differs).to.equal(differs);
      }),
      { seed: SEED },
    );
  });

  it("a change that sets and removes a key is refused", () => {
    const both = validMetadataChange({ a: "1" }, ["a"]);
    expect(both.ok ? "" : JSON.stringify(both.refusal)).to.include("which set_metadata has too");
    expect(validMetadataChange({}, [])).to.deep.equal({ ok: true, value: undefined });
    expect(validMetadataChange({}, ["A"]).ok).to.equal(false);
  });
});
