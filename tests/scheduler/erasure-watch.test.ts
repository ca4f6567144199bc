import { expect } from "chai";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import { createErasures } from "../../record/erasures.ts";
import { isPseudonym } from "../../record/pseudonym.ts";
import { createSteps } from "../../record/steps.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createErasureWatch } from "../../scheduler/erasure-watch.ts";
import { forgetAtMs } from "../../scheduler/forget-at.ts";
import { type ErasingSale, erasingSale } from "../support/erasing-sale.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { issuedBy } from "../support/open-sale.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const DAY_MS = 86_400_000;

describe("the watch over erasures", () => {
  const stores = withStores("each");

  /** A scheduler whose MongoDB says that it is so late. */
  function watchOf(sale: ErasingSale, nowMs: () => number) {
    return createErasureWatch({
      ...recordsOf(stores.db),
      erasures: createErasures(stores.db),
      erasure: { resumeNext: () => sale.resume() },
      mongoNowMs: async () => nowMs(),
      ...{ clock: systemClock, logger: silentLogger, owner: "a scheduler" },
    });
  }

  const steps = () => createSteps(stores.db.collection<CampaignDoc>("campaigns"));
  const issuances = () => stores.db.collection<IssuanceDoc>("issuances").find().toArray();
  const erased = async () => (await issuances()).filter(({ claimKey }) => isPseudonym(claimKey)).length;

  async function ended(given: Partial<CampaignDoc> = {}) {
    const sale = await erasingSale(stores, { total: 5, forgetUsersAfterDays: 30, ...given });
    for (const user of ["user-a", "user-b"]) issuedBy(await sale.issue(user));
    await sale.claimer.idle();
    const { _id } = sale.campaign;
    expect(await steps().advance(_id, ["SCHEDULED"], "ENDED", { by: "scheduler", verb: "end" })).to.equal(
      true,
    );
    const [entry] = await recordsOf(stores.db).history.list(_id, undefined, 1);
    return { sale, overAtMs: entry?.at.getTime() ?? expect.fail("no entry") };
  }

  it("erases all users of a campaign so many days after it is over, and not a moment earlier", async () => {
    const { sale, overAtMs } = await ended();
    await watchOf(sale, () => overAtMs + 30 * DAY_MS - 1).look();
    expect(await erased()).to.equal(0);
    await watchOf(sale, () => overAtMs + 30 * DAY_MS).look();
    expect(await erased()).to.equal(2);
    const [entry] = await recordsOf(stores.db).history.list(sale.campaign._id, undefined, 1);
    expect(entry).to.deep.include({ actor: "scheduler", verb: "erase", erased: { count: 2 } });
    expect(await stores.db.collection("erasures").countDocuments()).to.equal(0);
  });

  it("once: a later look finds nothing to do, and any number of schedulers may look", async () => {
    const { sale, overAtMs } = await ended();
    const later = () => overAtMs + 31 * DAY_MS;
    await Promise.all([watchOf(sale, later).look(), watchOf(sale, later).look()]);
    await watchOf(sale, later).look();
    const entries = await recordsOf(stores.db).history.list(sale.campaign._id, undefined, 10);
    expect(entries.filter(({ verb }) => verb === "erase")).to.have.length(1);
    expect(await erased()).to.equal(2);
  });

  it("not where the campaign does not say so, and not while it goes on", async () => {
    const { sale, overAtMs } = await ended({ forgetUsersAfterDays: 0 });
    await watchOf(sale, () => overAtMs + 10_000 * DAY_MS).look();
    expect(await erased()).to.equal(0);
    const open = await erasingSale(stores, { total: 5, forgetUsersAfterDays: 1 });
    issuedBy(await open.issue("user-c"));
    await watchOf(open, () => Date.now() + 10_000 * DAY_MS).look();
    expect(await erased()).to.equal(0);
  });

  it("the day: counted from when it was over; never twice for the same coupons", () => {
    const campaign = { forgetUsersAfterDays: 2, total: 10 };
    expect(forgetAtMs(campaign, 1_000)).to.equal(1_000 + 2 * DAY_MS);
    expect(forgetAtMs(campaign, undefined)).to.equal(undefined);
    expect(forgetAtMs({ total: 10 }, 1_000)).to.equal(undefined);
    expect(forgetAtMs({ ...campaign, forgotUsersOf: 10 }, 1_000)).to.equal(undefined);
    expect(forgetAtMs({ ...campaign, forgotUsersOf: 9 }, 1_000)).to.equal(1_000 + 2 * DAY_MS);
  });
});
