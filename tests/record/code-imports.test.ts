import { expect } from "chai";
import type { Collection, Db, Filter } from "mongodb";
import { importCodes } from "../../campaign/import-codes.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import { createCodeImports } from "../../record/code-imports.ts";
import type { CouponDoc } from "../../record/documents.ts";
import { withStores } from "../support/with-stores.ts";

const CODES = ["RECBCDFGH", "RECBCDFGJ", "RECBCDFGK"];
const NOTHING = { shortest: 99, digits: false, letters: false, syllables: false };

/** The database, whose coupons are looked for only after something else has happened, the first time. */
function findingAfter(db: Db, before: () => Promise<void>): Db {
  const coupons: Collection<CouponDoc> = db.collection("coupons");
  let isFirst = true;
  const find = (filter: Filter<CouponDoc>) => ({
    async toArray() {
      if (isFirst) await before();
      isFirst = false;
      return coupons.find(filter).toArray();
    },
  });
  const late = new Proxy(coupons, {
    get: (of, name) => (name === "find" ? find : Reflect.get(of, name, of)),
  });
  return new Proxy(db, {
    get: (of, name) =>
      name === "collection"
        ? (called: string) => (called === "coupons" ? late : of.collection(called))
        : Reflect.get(of, name, of),
  });
}

describe("imports of codes in MongoDB", () => {
  const stores = withStores("each");

  async function begun(texts: readonly string[]) {
    const imports = createCodeImports(stores.db);
    const _id = newCampaignId(Date.now());
    await imports.begin({ _id, key: _id, state: "open", rows: 0, codes: NOTHING, createdAt: new Date() });
    expect(await importCodes(imports, _id, 0, texts)).to.include({ kind: "taken", rows: texts.length });
    const coupons = stores.db.collection<CouponDoc>("coupons");
    const codes = async () =>
      (await coupons.find({ campaignId: _id }).sort({ ordinal: 1 }).toArray()).map((doc) => doc._id);
    return { imports, id: _id, codes };
  }

  it("rows that are sent again after the campaign was made change nothing; later ones are taken back", async () => {
    const { imports, id, codes } = await begun(CODES);
    expect(await imports.use(id, CODES.length)).to.include({ state: "used" });
    expect(await importCodes(imports, id, 0, CODES)).to.deep.equal({ kind: "closed" });
    expect(await importCodes(imports, id, 1, [...CODES.slice(1), "RECBCDFGM"])).to.deep.equal({
      kind: "closed",
    });
    expect(await codes()).to.deep.equal(CODES);
  });

  it("a campaign does not get an import that has taken more rows than it was made for", async () => {
    const { imports, id } = await begun(CODES);
    expect(await imports.use(id, CODES.length - 1)).to.equal(null);
    expect(await imports.find(id)).to.include({ state: "open" });
    expect(await imports.use(id, CODES.length)).to.include({ state: "used" });
    expect(await imports.use(id, CODES.length), "asked again").to.include({ state: "used" });
  });

  it("a code that was in the way when it was sent, and is gone when that is looked into, is taken", async () => {
    const standing = await begun(CODES);
    const other = await begun(["RECBCDFGP"]);
    let removed = 0;
    const removing = async () => {
      removed += 1;
      await standing.imports.discard(standing.id);
      await standing.imports.removeSome(standing.id);
    };
    const imports = createCodeImports(findingAfter(stores.db, removing));
    expect(await importCodes(imports, other.id, 1, CODES)).to.include({ kind: "taken", rows: 4, faults: 0 });
    expect(removed, "it was looked into").to.equal(1);
    expect(await other.codes()).to.deep.equal(["RECBCDFGP", ...CODES]);
    // A row that has another code stays what it is.
    expect(await importCodes(imports, other.id, 0, ["RECBCDFGQ"])).to.deep.equal({ kind: "changed", row: 0 });
  });

  it("nothing of rows that come after the import was discarded is left", async () => {
    const { imports, id, codes } = await begun(CODES.slice(0, 2));
    await imports.discard(id);
    expect(await importCodes(imports, id, 0, CODES)).to.deep.equal({ kind: "closed" });
    expect(await codes()).to.deep.equal([]);
  });
});
