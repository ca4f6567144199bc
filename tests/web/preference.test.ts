import { expect } from "chai";
import { createPreference } from "../../web/console/session/preference.ts";

const THEMES = ["light", "dark"] as const;

function stored() {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (name: string) => values.get(name) ?? null,
    setItem: (name: string, value: string) => void values.set(name, value),
    removeItem: (name: string) => void values.delete(name),
  };
}

describe("what the console keeps of an operator's choices", () => {
  it("is that value alone, and it is there again when the page is loaded anew", () => {
    const storage = stored();
    const theme = createPreference("theme", THEMES, () => storage);
    expect(theme.get()).to.equal(undefined);
    theme.set("dark");
    expect([...storage.values]).to.deep.equal([["coupon-console:theme", "dark"]]);
    expect(createPreference("theme", THEMES, () => storage).get()).to.equal("dark");
    theme.set(undefined);
    expect([theme.get(), storage.values.size]).to.deep.equal([undefined, 0]);
  });

  it("is nothing where another version of the page kept what this one does not know", () => {
    const storage = stored();
    storage.values.set("coupon-console:theme", "sepia");
    expect(createPreference("theme", THEMES, () => storage).get()).to.equal(undefined);
  });

  it("lives as long as the page where the browser forbids storage", () => {
    const theme = createPreference("theme", THEMES, () => {
      throw new Error("forbidden");
    });
    theme.set("light");
    expect(theme.get()).to.equal("light");
  });
});
