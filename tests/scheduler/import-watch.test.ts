import { expect } from "chai";
import { importCodes } from "../../campaign/import-codes.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { CodeImportDoc } from "../../record/code-import-documents.ts";
import { createCodeImports } from "../../record/code-imports.ts";
import type { CouponDoc } from "../../record/documents.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ABANDONED_AFTER_MS, createImportWatch } from "../../scheduler/import-watch.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const NOTHING = { shortest: 99, digits: false, letters: false, syllables: false };
const A_MINUTE_MS = 60_000;

describe("the watch over imports of codes", () => {
  const stores = withStores("each");

  const docs = () => stores.db.collection<CodeImportDoc>("code_imports");
  const coupons = (id: string) =>
    stores.db.collection<CouponDoc>("coupons").countDocuments({ campaignId: id });
  const faults = () => stores.db.collection("code_faults").countDocuments();
  const imports = () => createCodeImports(stores.db);
  /** A scheduler whose MongoDB says that it is so late. */
  const watchAt = (nowMs: number, clock = systemClock, of = imports()) =>
    createImportWatch({ imports: of, mongoNowMs: async () => nowMs, clock, logger: silentLogger });

  async function begun(mark: string, count = 3) {
    const id = newCampaignId(Date.now());
    const doc: CodeImportDoc = {
      ...{ _id: id, key: mark, state: "open", rows: 0, codes: NOTHING, createdAt: new Date(0) },
    };
    await imports().begin(doc);
    const texts = Array.from({ length: count }, (_, i) => `${mark}${String(i).padStart(5, "0")}`);
    await importCodes(imports(), id, 0, [...texts, "!"]);
    const found = await docs().findOne({ _id: id });
    return { doc, id, touchedMs: found?.touchedAt?.getTime() ?? expect.fail("not touched") };
  }

  it("removes one that nobody has gone on with for 7 days, and not a moment earlier; its codes are free", async () => {
    const { id, touchedMs } = await begun("ABA");
    await watchAt(touchedMs + ABANDONED_AFTER_MS).look();
    expect([await coupons(id), await faults()]).to.deep.equal([3, 1]);
    await watchAt(touchedMs + ABANDONED_AFTER_MS + 1).look();
    expect([await coupons(id), await faults()]).to.deep.equal([0, 0]);
    const doc = await docs().findOne({ _id: id });
    expect(doc).to.include({ state: "discarded" }).and.not.to.have.any.keys("key", "removing");
    expect((await begun("ABA")).id, "the same file begins a new one").not.to.equal(id);
  });

  it("one that was begun and never got a row counts from its creation", async () => {
    const id = newCampaignId(Date.now());
    const createdAt = new Date(1_000_000);
    await imports().begin({ _id: id, key: "e", state: "open", rows: 0, codes: NOTHING, createdAt });
    await watchAt(1_000_000 + ABANDONED_AFTER_MS).look();
    expect(await docs().findOne({ _id: id })).to.include({ state: "open" });
    await watchAt(1_000_001 + ABANDONED_AFTER_MS).look();
    expect(await docs().findOne({ _id: id })).to.include({ state: "discarded" });
  });

  it("whoever begins it again goes on with it", async () => {
    const { id, doc } = await begun("AGA");
    await docs().updateOne({ _id: id }, { $set: { touchedAt: new Date(0) } });
    expect(await imports().begin({ ...doc, _id: "another" })).to.include({ _id: id });
    await watchAt(ABANDONED_AFTER_MS + A_MINUTE_MS).look();
    expect(await coupons(id)).to.equal(3);
  });

  it("never one that a campaign has, or may be about to have", async () => {
    const { id } = await begun("USE");
    await imports().use(id, 4);
    await watchAt(Number.MAX_SAFE_INTEGER / 2).look();
    expect([await coupons(id), (await docs().findOne({ _id: id }))?.state]).to.deep.equal([3, "used"]);
  });

  it("one that a campaign takes while it is looked at keeps its codes", async () => {
    const { id, touchedMs } = await begun("RAC");
    const raced = {
      ...imports(),
      expire: async (of: string, since: Date) => {
        await imports().use(of, 4);
        return imports().expire(of, since);
      },
    };
    await watchAt(touchedMs + 2 * ABANDONED_AFTER_MS, systemClock, raced).look();
    expect(await coupons(id)).to.equal(3);
  });

  it("ends a removal that was cut off, in rounds; it looks once a minute otherwise", async () => {
    const { id } = await begun("CUT", 20_001);
    await imports().discard(id);
    let elapsedMs = 0;
    const clock = { ...systemClock, elapsed: () => elapsedMs };
    const watch = watchAt(Date.now(), clock);
    await watch.look();
    expect(await coupons(id)).to.equal(1);
    await watch.look();
    expect(await coupons(id)).to.equal(0);
    expect(await docs().findOne({ _id: id })).not.to.have.property("removing");

    const next = await begun("NEX");
    await imports().discard(next.id);
    await watch.look();
    expect(await coupons(next.id), "not within the minute").to.equal(3);
    elapsedMs += A_MINUTE_MS;
    await watch.look();
    expect(await coupons(next.id)).to.equal(0);
  });
});
